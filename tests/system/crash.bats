#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill -9 of whoever is at work, at any moment: what is left is listed, destroyed, and gone.
load helper

setup() {
  require userns
  make_world
  before=$(groups)
}

teardown() {
  sandpit destroy -p local --all || :
  remove_world
}

groups() {
  find /sys/fs/cgroup -type d -name 'sandpit-sb-*' 2>/dev/null | sort
}

# Groups that were not there before, of sandboxes of this test: others run their own.
own_groups() {
  comm -13 <(echo "$before") <(groups) | while read -r dir; do
    ! grep -qF "${dir##*/sandpit-}" "$W/ids" || echo "$dir"
  done
}

# Commands inside are marked by their environment.
marked_processes() {
  grep -lzxF "MARK=$W" /proc/[0-9]*/environ 2>/dev/null || :
}

# Supervisors hold a file of ours; what is below them is in its control groups as well.
own_processes() {
  local dir
  marked_processes
  for dir in /proc/[0-9]*; do
    case $(readlink "$dir/exe") in
    *sandpit-runner*) find "$dir/fd" -lname "$W/*" -printf "$dir\n" -quit 2>/dev/null ;;
    esac
  done
}

note_ids() {
  find "$W/state/local" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null >>"$W/ids" || :
}

is_clean() {
  [ -z "$(own_processes)" ] && [ -z "$(own_groups)" ] &&
    [ -z "$(find "$W/state/local" "$W/state/ids" -mindepth 1 2>/dev/null)" ] &&
    ! grep -qF "$W" /proc/self/mountinfo
}

why_not_clean() {
  own_processes
  own_groups
  ls -lR "$W/state"
  grep -F "$W" /proc/self/mountinfo
  return 1
}

# What a person does after a crash; it must be enough.
clean_up() {
  sandpit list -p local >"$W/listed"
  note_ids
  sandpit destroy -p local --all
  [ "$(sandpit list -p local --json)" = "[]" ]
  wait_until 10 is_clean || why_not_clean
}

# kill -9 of `sandpit ARGS...` after some of the time that it takes, 16 times over.  The
# sequence is the same in every run, the moments are the machine's.
crash() { # MICROSECONDS ARGS...
  local span=$1 i pid delay
  shift
  RANDOM=4711
  : >"$W/ids"
  for i in {0..15}; do
    delay=$(((span * i + RANDOM % span) / 16))
    command sandpit "$@" >/dev/null 2>&1 </dev/null 3>&- &
    pid=$!
    read -rt "$(printf '0.%06d' "$delay")" <>"$W/never" || :
    note_ids
    kill -9 "$pid" 2>/dev/null || : # over already
    wait "$pid" 2>/dev/null || :
    note_ids
  done
}

# How long a command takes here and now, in microseconds; a tenth more for the last kills.
span_of() { # ARGS...
  local from=${EPOCHREALTIME/./} to
  command sandpit "$@" >/dev/null
  to=${EPOCHREALTIME/./}
  echo $(((to - from) * 11 / 10 + 1000))
}

setup_never() {
  [ -p "$W/never" ] || mkfifo "$W/never"
}

@test "kill -9 at sixteen moments of run leaves nothing that destroy does not remove" {
  setup_never
  crash "$(span_of run -p local -e "MARK=$W" true)" run -p local -e "MARK=$W" true
  clean_up
}

@test "kill -9 at sixteen moments of a run that would go on leaves nothing running" {
  setup_never
  crash "$(span_of run -p local -e "MARK=$W" true)" run -p local -e "MARK=$W" sleep 1000
  clean_up
}

@test "kill -9 at sixteen moments of create leaves nothing that destroy does not remove" {
  setup_never
  crash "$(span_of create -p local -e "MARK=$W")" create -p local -e "MARK=$W"
  clean_up
}

@test "kill -9 at sixteen moments of exec leaves nothing that destroy does not remove" {
  setup_never
  local handle
  handle=$(sandpit create -p local)
  crash "$(span_of exec "$handle" true)" exec -e "MARK=$W" "$handle" sleep 1000
  # What belongs to nobody any more ends without anybody asking.
  none_marked() { [ -z "$(marked_processes)" ]; }
  wait_until 10 none_marked
  clean_up
}

@test "kill -9 at sixteen moments of destroy leaves nothing that another does not remove" {
  setup_never
  local i span=0 handle from
  : >"$W/ids"
  handle=$(sandpit create -p local -e "MARK=$W")
  from=${EPOCHREALTIME/./}
  sandpit destroy "$handle"
  span=$((${EPOCHREALTIME/./} - from))
  RANDOM=4711
  for i in {0..15}; do
    handle=$(sandpit create -p local -e "MARK=$W")
    note_ids
    command sandpit destroy "$handle" 3>&- &
    read -rt "$(printf '0.%06d' $(((span * i + RANDOM % span) / 16)))" <>"$W/never" || :
    kill -9 $! 2>/dev/null || :
    wait $! 2>/dev/null || :
  done
  clean_up
}

# The note of who supervises: "SUPERVISOR TICKS PROCESS-1".
supervisor_of() {
  cut -d' ' -f1 "$W/state/local/${1#local:}/init"
}

first_of() {
  cut -d' ' -f3 "$W/state/local/${1#local:}/init"
}

@test "a sandbox whose supervisor was killed is shown as dead, takes all inside along, and is removed" {
  local handle
  : >"$W/ids"
  handle=$(sandpit create -p local -e "MARK=$W")
  note_ids
  sandpit exec "$handle" 'setsid sleep 1000 >/dev/null 2>&1 & exit 0'
  [ -n "$(own_processes)" ]
  kill -9 "$(supervisor_of "$handle")"
  is_dead() { [ "$(sandpit list -p local --json | json '[0]["state"]')" = dead ]; }
  wait_until 10 is_dead
  run -125 sandpit exec "$handle" true
  [[ $output == *"has ended"* ]]
  clean_up
}

@test "a sandbox whose process 1 was killed cleans up after itself" {
  local handle
  : >"$W/ids"
  handle=$(sandpit create -p local -e "MARK=$W")
  note_ids
  kill -9 "$(first_of "$handle")"
  wait_until 10 is_clean || why_not_clean
}

@test "a run whose supervisor was killed says so and leaves nothing that destroy does not remove" {
  local pid supervisor
  : >"$W/ids"
  command sandpit run -p local -e "MARK=$W" sleep 1000 >"$W/out" 2>&1 3>&- &
  pid=$!
  is_noted() { note_ids; compgen -G "$W/state/local/*/init" >/dev/null && [ -n "$(own_processes)" ]; }
  wait_until 10 is_noted
  supervisor=$(cut -d' ' -f1 "$W"/state/local/*/init)
  kill -9 "$supervisor"
  local status=0
  wait "$pid" || status=$?
  [ "$status" = 125 ]
  grep -q '^sandpit: ' "$W/out"
  clean_up
}

@test "a run whose process 1 was killed ends and leaves nothing" {
  local pid
  : >"$W/ids"
  command sandpit run -p local -e "MARK=$W" sleep 1000 >"$W/out" 2>&1 3>&- &
  pid=$!
  is_running() { note_ids; [ -n "$(own_processes)" ] && children_of_supervisor >/dev/null; }
  children_of_supervisor() {
    local s
    s=$(cut -d' ' -f1 "$W"/state/local/*/init 2>/dev/null) || return 1
    pgrep -P "$s"
  }
  wait_until 10 is_running
  kill -9 "$(children_of_supervisor)"
  wait "$pid" || :
  wait_until 10 is_clean || why_not_clean
}

@test "a supervisor that is stopped is ended all the same" {
  local handle
  : >"$W/ids"
  handle=$(sandpit create -p local -e "MARK=$W")
  note_ids
  kill -STOP "$(supervisor_of "$handle")"
  sandpit destroy "$handle"
  wait_until 10 is_clean || why_not_clean
}

# Killed between the two: the claim of its ids is there, its folder is not yet.
@test "a claim of ids whose sandbox never came to be is removed" {
  require root
  : >"$W/ids"
  sandpit run -p local true
  ln -s sb-0123456789 "$W/state/ids/7"
  clean_up
}
