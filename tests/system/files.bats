#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# sandpit files: what it prints, and how it ends.  What the operations do is in
# tests/conformance/file_ops.c.
#
# shellcheck disable=SC2016 # what is to be expanded inside

load helper

setup_file() {
  export P=local AS_USER=
  make_world
  start_provider
  [ -n "${CANNOT-}" ] || BOX=$(new_sandbox)
  export BOX
}

teardown_file() {
  [ -n "${CANNOT-}" ] || sandpit destroy -p local --all
  remove_world
}

setup() {
  skip_if_cannot
}

files() {
  sandpit files "$BOX" "$@"
}

@test "bytes go in and come out the same" {
  head -c 300000 /dev/urandom >"$W/bytes"
  files write /tmp/deep/bytes <"$W/bytes"
  files cat /tmp/deep/bytes | cmp - "$W/bytes"
  [ "$(files cat --offset 1k --length 8 /tmp/deep/bytes | base64)" = "$(tail -c +1025 "$W/bytes" | head -c 8 | base64)" ]
  files write --mode 600 /tmp/deep/bytes </dev/null
  [ "$(files stat --json /tmp/deep/bytes | json '["mode"]')" = 0600 ]
}

@test "names are lines a terminal does not obey, and exact in JSON" {
  sandpit exec "$BOX" 'mkdir -p /tmp/odd; cd /tmp/odd; >"$(printf "a\nb\033[2J")"; >"$(printf "caf\351")"; ln -s "$(printf "x\342\200\256")" l'
  run files ls /tmp/odd
  [ "${lines[0]}" = 'a\x0ab\x1b[2J' ]
  [ "${lines[1]}" = 'caf\xe9' ]
  run files ls -l /tmp/odd
  [[ ${lines[2]} == link*0777*'l -> x\xe2\x80\xae' ]]
  run files ls --json /tmp/odd
  [ "$(json '[0]["path"]==chr(47)+"tmp/odd/a\nb\x1b[2J"' <<<"$output")" = true ]
  [ "$(json '[1]["path_base64"]' <<<"$output" | base64 -d)" = "$(printf '/tmp/odd/caf\351')" ]
  [ "$(json '[2]["type"]' <<<"$output")" = link ]
}

@test "what is moved, made and removed is told apart by the status" {
  files mkdir /tmp/m/a/b
  files mv /tmp/m/a/b /tmp/m/c
  [ "$(files ls --depth 3 /tmp/m)" = $'a\nc' ]
  files rm /tmp/m
  run --separate-stderr files rm /tmp/m
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: files: rm: "*"/tmp/m: No such file"* ]]
  run files stat --json /tmp/m
  [ "$(json '["error"]["code"]' <<<"$output")" = not_found ]
}

@test "find prints whole paths" {
  files write /tmp/find/a/x.py </dev/null
  files write /tmp/find/y.py </dev/null
  [ "$(files find /tmp/find '*.py')" = $'/tmp/find/a/x.py\n/tmp/find/y.py' ]
  [ "$(files find --json /tmp/find nothing)" = '[]' ]
}

@test "watch prints lines as they come and ends by a signal" {
  files mkdir /tmp/watch
  command sandpit files "$BOX" watch --recursive /tmp/watch >"$W/changes" 3>&- &
  pid=$!
  wait_until 10 grep -q '^watching /tmp/watch$' "$W/changes"
  files write /tmp/watch/d/f <<<x
  wait_until 10 grep -q ' /tmp/watch/d/f$' "$W/changes"
  kill -TERM "$pid" # a shell without jobs has INT ignored in the background
  wait "$pid"
  grep -q '^created /tmp/watch/d$' "$W/changes"
}

# A change, until the watch has ended.
writes_for_nobody() {
  files write /tmp/unread/f </dev/null
  ! kill -0 "$pid" 2>/dev/null
}

@test "watch ends when nobody reads what it prints" {
  files mkdir /tmp/unread
  command sandpit files "$BOX" watch /tmp/unread > >(head -n 1 >"$W/first") 3>&- &
  pid=$!
  wait_until 10 grep -q '^watching /tmp/unread$' "$W/first"
  wait_until 10 writes_for_nobody
}

@test "a command line that makes no sense is refused" {
  run files
  [[ $output == *"give SANDBOX and one of"* ]]
  run files look /tmp
  [[ $output == *'"look" is none of'* ]]
  run files cat
  [[ $output == *"cat takes PATH"* ]]
  run files ls tmp
  [[ $output == *'"tmp" does not begin with /'* ]]
  run files write --mode 4755 /tmp/x </dev/null
  [[ $output == *"more than the permission bits"* ]]
  run files write --mode rw /tmp/x </dev/null
  [[ $output == *"not a mode"* ]]
}

@test "a full disk is told, and the old file stays" {
  box=$(new_sandbox --disk 4m)
  sandpit files "$box" write /tmp/f <<<old
  run bash -c 'head -c 8000000 /dev/zero | sandpit files "$1" write /tmp/f' - "$box"
  [ "$status" -eq 125 ]
  [[ $output == *"No space left"* ]]
  [ "$(sandpit files "$box" cat /tmp/f)" = old ]
  [ "$(sandpit files "$box" ls --depth 9 /tmp)" = f ]
}

@test "files of the strict profile are read and written as well" {
  box=$(new_sandbox --seccomp strict)
  sandpit files "$box" write /tmp/f <<<strict
  [ "$(sandpit files "$box" cat /tmp/f)" = strict ]
  sandpit files "$box" mv /tmp/f /tmp/g
  [ "$(sandpit files "$box" find /tmp '*')" = /tmp/g ]
  sandpit files "$box" rm /tmp/g
}

@test "files of a paused sandbox wait for nothing: it has to be resumed first" {
  box=$(new_sandbox)
  sandpit pause "$box"
  run timeout 20 sandpit files "$box" ls /
  [ "$status" -eq 125 ]
  [[ $output == *"is paused: resume it first"* ]]
  sandpit resume "$box"
  sandpit files "$box" ls /
}

@test "the worker leaves no process behind" {
  for _ in $(seq 10); do
    files stat / >"$W/stat"
    run files cat /none
  done
  run sandpit exec "$BOX" 'cat /proc/[0-9]*/comm'
  [[ $output == *sandpit-runner* ]]
  [[ $output != *worker* && $output != *memfd* ]]
}
