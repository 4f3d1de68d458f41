#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits that hold and say so, pause and stats, and what happens when the host is the one
# that runs out of something.
#
# shellcheck disable=SC2016 # what is to be expanded inside
# shellcheck disable=SC2154 # run sets stderr

load helper

# How much slower than a usual machine this one is: an emulated one.
slow=${SP_SLOW:-1}

soon() { # COMMAND...
  wait_until $((5 * slow)) "$@"
}

setup() {
  require userns
  make_world
  export P=local
  mkdir -m 755 "$W/given"
  cp "$B/tests/helpers/storm" "$W/given/"
  chmod 755 "$W/given/storm"
}

teardown() {
  sandpit destroy -p local --all || :
  remove_world
}

now_ms() {
  echo $((${EPOCHREALTIME/./} / 1000))
}

# One value of the JSON that run or exec printed.
value() { # KEY
  json "[\"$1\"]" <<<"$output"
}

# The same command, from a folder an ordinary user can look into.
become_user() {
  local reason
  reason=$(can_rootless) || skip_for rootless "$reason"
  copy_programs
  [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$W"/{home,state,run,config,cache}
  AS_USER=1
}

groups() {
  find /sys/fs/cgroup -type d -name 'sandpit-sb-*' 2>/dev/null | sort
}

# No group of a sandbox that was not there before; one with somebody in it is another's.
no_groups_left() {
  local dir
  for dir in $(comm -13 <(echo "$groups_before") <(groups)); do
    [ -n "$(cat "$dir/cgroup.procs" 2>/dev/null)" ] || [ ! -e "$dir" ] || return 1
  done
}

nothing_left() {
  [ -z "$(find "$W/state/local" "$W/state/ids" -mindepth 1 2>/dev/null)" ] && no_groups_left
}

# --- Which limit was hit -----------------------------------------------------------------

@test "the CPU time of all processes together ends a run" {
  local from
  from=$(now_ms)
  run --separate-stderr sprun --json --cpu-time "0.$((4 + slow / 2))" 'while :; do :; done & while :; do :; done & wait'
  [ "$status" = 137 ]
  [ $(($(now_ms) - from)) -lt $((5000 * slow)) ]
  [ "$(value cpu_time_exceeded)" = true ]
  run --separate-stderr sprun --cpu-time 0.2 'while :; do :; done'
  [ "$status" = 137 ]
  [[ $stderr == *"CPU time is used up (see --cpu-time)"* ]]
}

@test "the CPU time of all its commands ends a kept sandbox" {
  local box
  box=$(new_sandbox --cpu-time "$slow")
  sandpit exec "$box" true
  run --separate-stderr sandpit exec --json "$box" 'while :; do :; done'
  [ "$status" = 137 ]
  [ "$(value cpu_time_exceeded)" = true ]
  soon no_sandboxes
}

@test "a file does not grow beyond its limit" {
  run --separate-stderr sprun --fsize 1m 'head -c 3000000 /dev/zero >/tmp/x; stat -c %s /tmp/x'
  [ "$output" = 1048576 ]
}

@test "a full disk is told, and only while it is full" {
  local box
  run --separate-stderr sprun --json --disk 4m 'head -c 9000000 /dev/zero >/tmp/x'
  [ "$(value disk_full)" = true ]
  run --separate-stderr sprun --disk 4m 'head -c 9000000 /dev/zero >/workspace/x'
  [[ $stderr == *"disk is full (see --disk)"* ]]
  box=$(new_sandbox --disk 4m)
  run --separate-stderr sandpit exec --json "$box" 'head -c 9000000 /dev/zero >/tmp/x'
  [ "$(value disk_full)" = true ]
  run --separate-stderr sandpit exec --json "$box" 'rm /tmp/x'
  [ "$(value disk_full)" = false ]
}

@test "a disk without inodes is a full one" {
  run --separate-stderr sprun --json --disk 1m 'cd /tmp; i=0; while : >f$i; do i=$((i+1)); done'
  [ "$(value disk_full)" = true ]
}

@test "a refused fork is told" {
  require cgroup
  run --separate-stderr sprun --json --pids 12 'i=0; while [ $i -lt 20 ]; do sleep 9 & i=$((i+1)); done'
  [ "$(value pids_exceeded)" = true ]
  run --separate-stderr sprun --json --pids 12 true
  [ "$(value pids_exceeded)" = false ]
}

@test "memory that ran out is told" {
  require cgroup
  run --separate-stderr sprun --json --memory 24m 'head -c 200000000 /dev/zero | tail -n 1 >/dev/null'
  [ "$(value oom_killed)" = true ]
}

# --- Ends that are bounded ---------------------------------------------------------------

# Whoever forks as fast as the limit lets is over within a second of its deadline.
storm() {
  local box from
  box=$(new_sandbox -v "$W/given:/storms")
  for _ in 1 2; do
    from=$(now_ms)
    run sandpit exec -t 0.5 "$box" /storms/storm
    [ "$status" = 124 ]
    echo "# a storm was over $(($(now_ms) - from - 500)) ms after its deadline" >&3
    [ $(($(now_ms) - from)) -lt $((500 + 1000 * slow)) ]
  done
  # The sandbox itself stands, with nothing of the storm in it.
  [ "$(sandpit exec "$box" 'cat /proc/[0-9]*/comm | grep -c storm')" = 0 ]
  from=$(now_ms)
  sandpit destroy "$box"
  [ $(($(now_ms) - from)) -lt $((1000 * slow)) ]
}

@test "a fork storm ends at its deadline" {
  storm
}

@test "a fork storm ends at its deadline where no cgroup can be frozen" {
  [ "$slow" = 1 ] || skip "takes rounds, and an emulated processor is too slow for them"
  become_user
  storm
}

@test "a fork storm in a run ends at its deadline" {
  local from
  from=$(now_ms)
  run sprun -t 0.5 -v "$W/given:/storms" /storms/storm
  [ "$status" = 124 ]
  [ $(($(now_ms) - from)) -lt $((500 + 1000 * slow)) ]
}

# --- Pause and resume ----------------------------------------------------------------------

counting() { # BOX: a command that counts, in the background of this test
  sandpit exec "$1" 'i=0; while :; do i=$((i+1)); echo $i; done' >"$W/count" 2>/dev/null 3>&- &
  counter=$!
  soon test -s "$W/count"
}

grows() {
  local before
  before=$(stat -c %s "$W/count")
  soon eval '[ "$(stat -c %s "$W/count")" -gt '"$before"' ]'
}

# What was on its way when it stopped may still arrive.
stands_still() {
  local a b
  b=$(stat -c %s "$W/count")
  for _ in 1 2 3 4 5; do
    a=$b
    read -rt 0.1 <>"$W/never" || :
    b=$(stat -c %s "$W/count")
    [ "$a" != "$b" ] || return 0
  done
  return 1
}

state_of() { # BOX
  sandpit inspect "$1" | json '["state"]'
}

pause_and_resume() {
  local box
  box=$(new_sandbox)
  counting "$box"
  sandpit pause "$box"
  [ "$(state_of "$box")" = paused ]
  stands_still
  run --separate-stderr sandpit exec "$box" true
  [ "$status" = 125 ]
  [[ $stderr == *"is paused: resume it first (sandpit resume "* ]]
  sandpit pause "$box"
  sandpit resume "$box"
  [ "$(state_of "$box")" = running ]
  grows
  sandpit resume "$box"
  sandpit exec "$box" true
  sandpit pause "$box"
  sandpit destroy "$box"
  wait "$counter" || :
  no_sandboxes
}

@test "a paused sandbox stands still, and goes on when it is resumed" {
  pause_and_resume
}

@test "a paused sandbox stands still without a cgroup as well" {
  become_user
  pause_and_resume
}

deadline_in_pause() {
  local box status=0 from
  box=$(new_sandbox)
  from=$(now_ms)
  sandpit exec -t "$slow" "$box" sleep 300 >/dev/null 2>&1 3>&- &
  local pid=$!
  soon eval '[ -n "$(sandpit exec "$box" "cat /proc/[0-9]*/comm" | grep -x sleep)" ]'
  sandpit pause "$box"
  wait "$pid" || status=$?
  [ "$status" = 124 ]
  [ $(($(now_ms) - from)) -lt $((2500 * slow)) ]
  [ "$(state_of "$box")" = paused ]
  sandpit resume "$box"
  sandpit exec "$box" true
}

# Where there is no version 2 beside it: its frozen processes do not die of a signal alone.
paused_ends() {
  local box pid from
  box=$(new_sandbox)
  sandpit inspect "$box" | grep -qF '"/sys/fs/cgroup/freezer/' || return 3
  sandpit pause "$box"
  from=$(now_ms)
  sandpit destroy "$box"
  [ $(($(now_ms) - from)) -lt $((2000 * slow)) ] || return 1
  box=$(new_sandbox)
  pid=$(sandpit inspect "$box" | json '["supervisor_pid"]')
  sandpit pause "$box"
  kill -9 "$pid"
  soon eval "! kill -0 $pid 2>/dev/null" && sandpit destroy "$box" || return 1
  deadline_in_pause && sandpit destroy --all -p local && no_groups_left
}

@test "a sandbox paused by version 1 ends at once and leaves nothing" {
  require root
  [ -e /sys/fs/cgroup/freezer/tasks ] || skip "cgroup: no version 1 freezer"
  groups_before=$(groups)
  export -f paused_ends new_sandbox sandpit now_ms soon wait_until json no_groups_left groups deadline_in_pause state_of
  export slow groups_before
  run unshare -m bash -c 'umount /sys/fs/cgroup/unified 2>/dev/null; paused_ends'
  echo "$output"
  [ "$status" = 0 ]
}

@test "deadlines go on in a paused sandbox" {
  deadline_in_pause
}

@test "deadlines go on in a sandbox paused by signals" {
  become_user
  deadline_in_pause
}

@test "the time to live goes on in a paused sandbox" {
  local box
  box=$(new_sandbox --ttl 1)
  sandpit pause "$box"
  soon no_sandboxes
}

killed_pausers() {
  local box i pid
  box=$(new_sandbox)
  counting "$box"
  for i in 0 1 2 3 4 5 6 7; do
    if [ -n "${AS_USER-}" ]; then
      setpriv --reuid 65534 --regid 65534 --clear-groups -- sandpit pause "$box" 3>&- &
    else
      command sandpit pause "$box" 3>&- &
    fi
    pid=$!
    read -rt "0.00$i" <>"$W/never" || :
    kill -9 "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    case $(state_of "$box") in
    paused) ;;
    running) grows ;;
    *) return 1 ;;
    esac
    sandpit resume "$box"
    grows
  done
  kill "$counter"
  wait "$counter" || :
}

@test "a pauser that is killed leaves one state or the other" {
  [ -p "$W/never" ] || mkfifo "$W/never"
  killed_pausers
}

@test "a pauser that is killed between its signals leaves what resume mends" {
  become_user
  [ -p "$W/never" ] || mkfifo "$W/never"
  killed_pausers
}

# --- Stats -----------------------------------------------------------------------------------

stats_of() { # BOX
  output=$(sandpit stats --no-stream --json "$1")
}

@test "stats tell what a sandbox uses" {
  require cgroup
  local box
  box=$(new_sandbox --memory 200m --pids 50 --disk 8m)
  sandpit exec "$box" 'head -c 3000000 /dev/zero >/tmp/x; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
  stats_of "$box"
  [ "$(value memory_bytes)" -gt 3000000 ]
  [ "$(value memory_peak_bytes)" -ge "$(value memory_bytes)" ]
  [ "$(value memory_limit_bytes)" = 209715200 ]
  [ "$(value cpu_us)" -gt 10000 ]
  [ "$(value processes)" -ge 1 ]
  [ "$(value processes_limit)" = 50 ]
  [ "$(value disk_bytes)" -ge 3000000 ]
  [ "$(value disk_limit_bytes)" = 8388608 ]
  [ "$(value received_bytes)" = 0 ]
  [[ $(sandpit stats --no-stream "$box") == *"2.9M / 8.0M"* ]]
  [[ $(sandpit stats --no-stream) == *"$box"* ]]
}

@test "stats come from the processes where no cgroup counts" {
  become_user
  local box
  box=$(new_sandbox --disk 8m)
  sandpit exec "$box" 'head -c 3000000 /dev/zero >/tmp/x; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'
  stats_of "$box"
  [ "$(value memory_bytes)" -gt 3000000 ]
  [ "$(value cpu_us)" -gt 10000 ]
  [ "$(value processes)" -ge 1 ]
  [ "$(value disk_bytes)" -ge 3000000 ]
  [ "$(value memory_peak_bytes)" = None ]
}

@test "stats are a line a second and end with the sandbox" {
  local box
  box=$(new_sandbox)
  sandpit stats "$box" >"$W/lines" 2>"$W/err" 3>&- &
  local pid=$!
  soon eval '[ "$(wc -l <"$W/lines")" -ge 2 ]'
  sandpit destroy "$box"
  soon eval "! kill -0 $pid 2>/dev/null"
  wait "$pid"
  [ ! -s "$W/err" ]
}

@test "stats of what is not there are an error" {
  run --separate-stderr sandpit stats --no-stream local:sb-nothere
  [ "$status" = 125 ]
  [[ $stderr == *"no sandbox local:sb-nothere"* ]]
}

# --- The host runs out -------------------------------------------------------------------------

# COMMAND... with the state folder on a file system of this size and so many inodes.
on_small_disk() { # OPTIONS COMMAND...
  unshare -m sh -c 'mount -t tmpfs -o "$0" small "$SANDPIT_STATE_DIR" && mkdir -m 700 "$SANDPIT_STATE_DIR/s" &&
    SANDPIT_STATE_DIR=$SANDPIT_STATE_DIR/s exec "$@"' "$@"
}

@test "a full disk under the state folder is a clear error" {
  require root
  groups_before=$(groups)
  for size in 4k 8k 12k 16k 24k; do
    run --separate-stderr on_small_disk "size=$size" sh -c \
      'box=$(sandpit create -p local -e "BIG=$0") && sandpit destroy "$box"' "$(head -c 5000 /dev/zero | tr '\0' x)"
    [ "$status" = 0 ] || [[ $stderr == *"No space left on device"* ]]
    [ "$status" != 0 ] || break
  done
  run --separate-stderr on_small_disk size=4k sandpit run -p local true
  [ "$status" = 0 ] || [[ $stderr == *"No space left on device"* ]]
  soon no_groups_left
}

@test "a state folder without inodes is a clear error" {
  require root
  groups_before=$(groups)
  local seen=0
  for inodes in 3 4 5 6 7 8 9; do
    run --separate-stderr on_small_disk "nr_inodes=$inodes" \
      sh -c 'sandpit run -p local true; rc=$?; ls "$SANDPIT_STATE_DIR"/local 2>/dev/null; exit $rc'
    [ -z "$output" ]
    [ "$status" = 0 ] && continue
    [ "$status" = 125 ]
    [[ $stderr == "sandpit: run: "*"No space left on device"* ]]
    seen=$((seen + 1))
  done
  [ "$seen" -ge 2 ]
  soon no_groups_left
}

# A group of this test's own with so many processes, and this COMMAND in it.
with_pids() { # MAX COMMAND...
  sh -c 'echo $$ >"$0/cgroup.procs" && shift && exec "$@"' "$pids_group" "$@"
}

@test "a caller that may not fork any more gets a clear error" {
  require root
  groups_before=$(groups)
  local top=/sys/fs/cgroup
  if [ -e "$top/pids/tasks" ]; then
    top=$top/pids
  else
    echo +pids >"$top/cgroup.subtree_control" || skip "needs a hierarchy with pids of our own"
  fi
  pids_group=$top/limits-test-$$
  mkdir "$pids_group"
  local max failed=0
  for max in 1 2 3 4 5 6; do
    echo "$max" >"$pids_group/pids.max"
    run --separate-stderr with_pids "$max" sandpit run -p local true
    if [ "$status" != 0 ]; then
      failed=$((failed + 1))
      echo "with $max: $status: $stderr"
      [ "$status" = 125 ]
      [[ $stderr == "sandpit: run: "*"Resource temporarily unavailable"* ]]
    fi
    soon eval '[ -z "$(cat "$pids_group/cgroup.procs")" ]'
    soon nothing_left
  done
  rmdir "$pids_group"
  [ "$failed" -ge 2 ]
  [ "$failed" -lt 6 ]
}

@test "a cgroup that was taken away behind us is a clear error" {
  require root
  groups_before=$(groups)
  local box group top
  box=$(new_sandbox)
  group=$(sandpit inspect "$box" | json '["cgroups"][-1]')
  top=$group
  while [ -e "$(dirname "$top")/cgroup.procs" ]; do top=$(dirname "$top"); done
  while read -r pid; do
    echo "$pid" >"$top/cgroup.procs"
  done <"$group/cgroup.procs"
  soon rmdir "$group"
  run --separate-stderr sandpit exec "$box" true
  [ "$status" = 125 ]
  [[ $stderr == *"$group"*": No such file or directory"* ]]
  sandpit destroy "$box"
  soon nothing_left
}
