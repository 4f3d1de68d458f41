#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals: real programs on one, typed to; terminal-user.bats is a link to this.
#
# shellcheck disable=SC2016 # what is to be expanded inside

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
}

teardown() {
  [ -n "${CANNOT-}" ] || sandpit destroy -p local --all
}

# STEP... -- sandpit's words: see terminal.py.
at_terminal() {
  local steps=() as=()
  while [ "$1" != -- ]; do
    steps+=("$1")
    shift
  done
  shift
  [ -z "$AS_USER" ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
  [ "$(id -u)" = 0 ] || as=()
  TERM=vt220 python3 "$BATS_TEST_DIRNAME/../helpers/terminal.py" "${steps[@]}" -- "${as[@]}" \
    sandpit "$@"
}

@test "a shell has a terminal of the size of ours, which follows it" {
  run at_terminal 'expect:# ' raw: 'send:tty; stty size; echo $TERM\r' expect:/dev/pts/0 \
    'expect:40 100' expect:vt220 'expect:# ' size:50,132 \
    'send:until [ "$(stty size)" = "50 132" ]; do sleep 0.05; done; echo res""ized\r' \
    expect:resized 'expect:# ' 'send:exit 7\r' -- shell -p local
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"modes kept"* ]]
  [[ $output == *"exit 7" ]]
  no_sandboxes
}

@test "Ctrl-C is for the command, Ctrl-Z for the shell's jobs" {
  require tool bash
  box=$(new_sandbox)
  # What is typed before the shell has handed the terminal over is for the shell.
  run at_terminal 'expect:# ' 'send:sh -c "echo read\x22\x22y; exec sleep 1000"\r' expect:ready \
    'send:\x03' 'expect:# ' 'send:echo status $?\r' 'expect:status 130' 'expect:# ' \
    'send:sh -c "echo read\x22\x22ing; exec cat"\r' expect:reading 'send:hello\r' \
    expect:hello expect:hello 'send:\x1a' expect:Stopped 'expect:# ' \
    'send:kill -9 %1; exec sh -c "exit 0"\r' -- shell "$box"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"modes kept"*"exit 0" ]]
}

@test "a password is read without showing it" {
  run at_terminal expect:Password: 'send:hunter2\r' 'expect:7 characters' -- \
    run -p local -T -- python3 -c 'import getpass; print(len(getpass.getpass()), "characters")'
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output != *hunter2* ]]
  [[ $output == *"exit 0" ]]
}

@test "the terminal is put back when a signal ends us, too" {
  for sig in TERM HUP INT; do
    run at_terminal 'expect:ready' raw: "signal:$sig" -- run -p local -T 'echo ready; sleep 1000'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"modes kept"*"signal "* ]]
  done
  no_sandboxes
}

@test "a second signal puts it back as well" {
  run at_terminal 'expect:ready' raw: signal:TERM signal:TERM -- \
    run -p local -T 'echo ready; sleep 1000'
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"modes kept"*"signal 15" ]]
}

@test "a megabyte through a terminal is whole" {
  sprun -T 'stty raw -echo; head -c 1048576 /dev/urandom | tee /tmp/sent | cat; sha256sum /tmp/sent >&2' \
    >"$W/run/got" </dev/null
  head -c 1048576 "$W/run/got" | sha256sum >"$W/run/sum"
  [ "$(cut -c1-64 "$W/run/sum")" = "$(tail -c +1048577 "$W/run/got" | cut -c1-64)" ]
}

@test "without -T there is none, whatever our own streams are" {
  run at_terminal 'expect:no terminal' -- run -p local 'test -t 0 || test -t 1 || echo no terminal'
  [[ $output == *"exit 0" ]]
  run sprun 'tty; test -t 2' </dev/null
  [ "$status" -eq 1 ]
  run sprun -T 'test -t 0 && test -t 1 && echo it is one' </dev/null
  [[ $output == *"it is one"* ]]
}

@test "input that ends is typed as Ctrl-D, and nobody waits for more" {
  run sprun -t 20 -T 'cat; echo end' </dev/null
  [ "$status" -eq 0 ]
  [[ $output == *end* ]]
  box=$(new_sandbox)
  run sandpit exec -T "$box" bash <<<'echo $((40 + 2)); exit 3'
  [ "$status" -eq 3 ]
  [[ $output == *42* ]]
}

@test "nothing can be put into its input from inside" {
  run sprun -T -- python3 -c '
import fcntl, sys
for request in 0x5412, 0x5412 | 1 << 32, 0x541c:
    try:
        fcntl.ioctl(0, request - (1 << 32) if request >> 32 else request, b"x")
        print("typed")
    except OSError as e:
        print("refused", e.errno)
' </dev/null
  echo "$output"
  [[ $output != *typed* ]]
  [[ $output == *refused* ]]
}

@test "the command's output is JSON, too" {
  run sprun -T --json 'echo out; echo err >&2' </dev/null
  [ "$(json '["stdout"]' <<<"$output")" = "$(printf 'out\r\nerr\r')" ]
  [ "$(json '["stderr"]' <<<"$output")" = "" ]
}

@test "a shell without a terminal reads its commands as they come" {
  run sandpit shell -p local <<<'echo from a script; test -t 0; exit 4'
  [ "$status" -eq 4 ]
  [ "$output" = "from a script" ]
  box=$(new_sandbox)
  run sandpit shell --memory 64m "$box"
  [ "$status" -eq 125 ]
  [[ $output == *"new sandbox"* ]]
}
