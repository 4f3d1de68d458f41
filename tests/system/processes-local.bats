#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Processes in the background, seen from other processes; processes-user.bats is a link.
#
# shellcheck disable=SC2016 # what is to be expanded inside
# shellcheck disable=SC2154 # run sets stderr

load helper

setup_file() {
  case $BATS_TEST_FILENAME in
  *-user.bats) export P=local AS_USER=1 ;;
  *) export P=local AS_USER='' ;;
  esac
  make_world
  start_provider
}

teardown_file() {
  remove_world
}

setup() {
  skip_if_cannot
  box=$(new_sandbox)
}

teardown() {
  [ -n "${CANNOT-}" ] || sandpit destroy -p local --all
}

# The folder of process NUMBER of the sandbox, and what its keeper is.
folder() {
  echo "$W/state/local/${box#*:}/procs/$1"
}

keeper() {
  python3 -c 'import struct,sys; print(struct.unpack("<i", open(sys.argv[1],"rb").read()[8:12])[0])' \
    "$(folder "$1")/record"
}

has_ended() {
  [ "$(sandpit ps "$box" --json | json "[$1-1]['running']")" = false ]
}

# How often the word is in the output that is kept.
printed() {
  [ "$(sandpit logs "$box" "$1" 2>/dev/null | grep -c "$2")" -ge 1 ]
}

@test "a process goes on by itself and is found by its number" {
  [ "$(sandpit exec -d "$box" 'echo out; echo err >&2; exit 3')" = 1 ]
  [ "$(sandpit exec -d --json "$box" sleep 1000 | json '["process"]')" = 2 ]
  run sandpit wait "$box" 1
  [ "$status" -eq 3 ]
  run --separate-stderr sandpit logs "$box" 1
  [ "$status" -eq 0 ]
  [ "$output" = out ]
  [ "$stderr" = err ]
  run sandpit logs --json "$box" 1
  [ "$(json '["stdout"]' <<<"$output")" = out ]
  run sandpit ps "$box"
  [[ ${lines[1]} =~ ^1\ +ended\ +3\ .*exit\ 3 ]]
  [[ ${lines[2]} =~ ^2\ +running\ +-\ .*sleep\ 1000$ ]]
  run sandpit ps --json "$box"
  [ "$(json '[0]["exit_code"]' <<<"$output")" = 3 ]
  [ "$(json '[1]["exit_code"]' <<<"$output")" = None ]
}

@test "a signal is for the process, KILL for all it started" {
  n=$(sandpit exec -d "$box" 'trap "echo caught; exit 5" TERM; echo ready; sleep 1000 & wait')
  wait_until 30 printed "$n" ready
  sandpit kill "$box" "$n"
  run sandpit wait "$box" "$n"
  [ "$status" -eq 5 ]
  printed "$n" caught
  n=$(sandpit exec -d "$box" 'trap "" TERM; (setsid sleep 98771 &); echo ready; sleep 98771')
  wait_until 30 printed "$n" ready
  sandpit kill -s SIGKILL "$box" "$n"
  run sandpit wait "$box" "$n"
  [ "$status" -eq 137 ]
  run sandpit exec "$box" 'grep -lz "9877[1]" /proc/[0-9]*/cmdline'
  [ "$output" = "" ]
}

@test "what is wrong is said" {
  run sandpit wait "$box" 5
  [ "$status" -eq 125 ]
  [[ $output == *"no process 5"* ]]
  run sandpit kill "$box" 0
  [ "$status" -eq 125 ]
  run sandpit kill -s NOSUCH "$box" 1
  [[ $output == *NOSUCH* ]]
  run sandpit exec -d -w /no/such/folder "$box" true
  [ "$status" -eq 125 ]
  [[ $output == *"/no/such/folder"* ]]
  run sandpit logs --json "$box" 1
  [[ $(json '["error"]["message"]' <<<"$output") == *"no process 1" ]]
  [ "$(sandpit exec -d "$box" no-such-program)" = 1 ]
  run -127 sandpit wait "$box" 1
  run sandpit kill "$box" 1
  [[ $output == *"has ended"* ]]
}

@test "a time limit ends it, and waiting has one of its own" {
  n=$(sandpit exec -d -t 0.3 "$box" 'sleep 1000')
  run sandpit wait "$box" "$n"
  [ "$status" -eq 124 ]
  run sandpit ps "$box"
  [[ $output == *"timed out"* ]]
  n=$(sandpit exec -d "$box" 'sleep 1000')
  run sandpit wait -t 0.2 "$box" "$n"
  [ "$status" -eq 124 ]
  [[ $output == *"still runs"* ]]
}

@test "several follow it, also after a slow one, and each sees all" {
  n=$(sandpit exec -d -I "$box" 'read -r go; seq 300000; exit 6')
  mkfifo "$W/run/slow"
  chmod 666 "$W/run/slow"
  exec 7<>"$W/run/slow"
  for i in 1 2; do sandpit logs -f "$box" "$n" >"$W/follower$i" & pids[i]=$!; done
  sandpit logs -f "$box" "$n" >"$W/run/slow" 7>&- &
  slow=$!
  run sandpit attach "$box" "$n" <<<go
  [ "$status" -eq 6 ]
  wait "${pids[1]}" "${pids[2]}"
  seq 300000 | cmp - "$W/follower1"
  seq 300000 | cmp - "$W/follower2"
  # It was over long before the slow one has read on.
  has_ended "$n"
  head -c "$(seq 300000 | wc -c)" <&7 | cmp - <(seq 300000)
  wait "$slow"
  exec 7>&-
  [ "$(sandpit logs --tail 2 "$box" "$n")" = $'299999\n300000' ]
  [ "$(sandpit logs -f --tail 1 "$box" "$n")" = 300000 ]
}

@test "who attaches feeds it, leaves it and comes back" {
  n=$(sandpit exec -d -I "$box" 'while read -r x; do echo "<$x>"; done; exit 9')
  mkfifo "$W/in"
  exec 8<>"$W/in"
  sandpit attach "$box" "$n" <"$W/in" >"$W/out" 2>"$W/said" 8>&- &
  pid=$!
  echo one >&8
  wait_until 30 grep -q '<one>' "$W/out"
  # The function runs the command in a subshell: the command is its child, or itself.
  kill -TERM "$(pgrep -P "$pid" -f attach || echo "$pid")"
  wait "$pid" || :
  exec 8>&-
  run ! has_ended "$n"
  run sandpit attach "$box" "$n" <<<two
  [ "$status" -eq 9 ]
  [ "$output" = "<two>" ]
  [ "$(sandpit logs "$box" "$n")" = $'<one>\n<two>' ]
}

@test "input is empty without -I, and giving it some is an error" {
  n=$(sandpit exec -d "$box" 'cat; exit 4' <<<"not for it")
  run sandpit wait "$box" "$n"
  [ "$status" -eq 4 ]
  [ "$(sandpit logs "$box" "$n")" = "" ]
  n=$(sandpit exec -d "$box" 'sleep 1000')
  run sandpit attach "$box" "$n" <<<x
  [ "$status" -eq 125 ]
  [[ $output == *"no input"* ]]
}

@test "a terminal in the background is left with a key and taken again" {
  local as=()
  [ -z "$AS_USER" ] || [ "$(id -u)" != 0 ] ||
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
  n=$(sandpit exec -d -T "$box" 'echo ready; while read -r x; do echo "<$x>"; [ "$x" != end ] || exit 3; done')
  wait_until 30 printed "$n" ready
  run python3 "$BATS_TEST_DIRNAME/../helpers/terminal.py" raw: 'send:one\r' 'expect:<one>' \
    'send:\x1d' 'expect:detached' -- "${as[@]}" sandpit attach "$box" "$n"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"modes kept"*"exit 0" ]]
  run ! has_ended "$n"
  run python3 "$BATS_TEST_DIRNAME/../helpers/terminal.py" raw: 'send:end\r' 'expect:<end>' \
    -- "${as[@]}" sandpit attach "$box" "$n"
  echo "$output"
  [[ $output == *"modes kept"*"exit 3" ]]
}

@test "a gigabyte is cut, costs its keeper no memory, and does not stop it" {
  n=$(sandpit exec -d -I "$box" 'head -c 1073741824 /dev/zero; read -r go; exit 2')
  wait_until 60 test -e "$(folder "$n")/cut"
  hwm=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$(keeper "$n")/status")
  echo "keeper: $hwm kB"
  [ "$hwm" -lt 3000 ]
  run sandpit attach "$box" "$n" <<<go
  [ "$status" -eq 2 ]
  [ "$(sandpit ps "$box" --json | json '[0]["output_truncated"]')" = true ]
  [ "$(stat -c %s "$(folder "$n")/log")" -le $((70 << 20)) ]
  [ "$(sandpit logs "$box" "$n" | wc -c)" -eq $((64 << 20)) ]
}

@test "a keeper that is killed takes its process along, and that is told" {
  n=$(sandpit exec -d "$box" 'echo before; exec sleep 98772')
  wait_until 30 printed "$n" before
  kill -KILL "$(keeper "$n")"
  run sandpit wait "$box" "$n"
  [ "$status" -eq 137 ]
  [ "$(sandpit logs -f "$box" "$n")" = before ]
  run sandpit ps "$box"
  [[ $output == *killed* ]]
  gone() { ! sandpit exec "$box" 'grep -qz "^9877[2]$" /proc/[0-9]*/cmdline'; }
  wait_until 10 gone
}

@test "they go with their sandbox, and nothing stays" {
  for _ in 1 2 3; do sandpit exec -d "$box" 'trap "" TERM; yes' >/dev/null; done
  mapfile -t keepers < <(for i in 1 2 3; do echo "/proc/$(keeper "$i")/status"; done)
  sandpit logs -f "$box" 1 >/dev/null 2>&1 &
  follower=$!
  sandpit destroy "$box"
  wait "$follower" || :
  # Nobody may be there to bury them.
  all_gone() { run ! grep -hs '^State:.[^Z]' "${keepers[@]}"; }
  wait_until 10 all_gone
  [ -z "$(ls -A "$W/state/local")" ]
  run sandpit ps "$box"
  [ "$status" -eq 125 ]
}
