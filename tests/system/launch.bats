#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How a launch is put together: what is begun early, what is shared, what is left of it.
load helper

setup() {
  require userns
  make_world
}

teardown() {
  sandpit destroy -p local --all || :
  remove_world
}

# Runners of this build that have no sandbox any more.
own_runners() {
  local dir runner
  runner=$(readlink -f "$(dirname "$(type -P sandpit)")/sandpit-runner")
  for dir in /proc/[0-9]*; do
    [ "$(readlink "$dir/exe")" != "$runner" ] || echo "$dir"
  done
}

none_is_left() {
  local i
  for ((i = 0; i < 200; i++)); do
    [ -n "$(comm -13 <(echo "$1" | sort) <(own_runners | sort))" ] || return 0
    read -r -t 0.01 <> <(:) || :
  done
  own_runners
  return 1
}

@test "a caller killed while it prepares leaves no runner, no sandbox and no claim" {
  require tool strace
  local before
  before=$(own_runners)
  # The folder of the sandbox is made after the runner is started.
  run -137 strace -o /dev/null -e trace=mkdirat -e inject=mkdirat:signal=SIGKILL \
    sandpit run -p local -- true
  none_is_left "$before"
  run -0 sandpit list -p local --json
  [ "$output" = "[]" ] || sandpit destroy -p local --all
  # What claims ids without a sandbox is dropped by whoever looks.
  sandpit list -p local
  [ -z "$(find "$W/state/ids" "$W/state/local" -mindepth 1)" ]
}

@test "a control group that cannot be made falls back, though the runner was started with it" {
  require tool strace
  require root
  require cgroup
  sandpit run -p local -- true # makes the state folder
  run -0 --separate-stderr strace -o "$W/trace" -e trace=mkdir,mkdirat \
    -e inject=mkdir:error=EACCES sandpit run -p local -- bash -c 'ulimit -u; ulimit -v'
  if ! grep -q 'mkdir(.*INJECTED' "$W/trace"; then
    skip "tool: strace saw no control group made"
  fi
  [ "${lines[0]}" = 512 ]
  [ "${lines[1]}" = 1048576 ]
}

@test "a run has its own network with loopback up, and no helper beside its command" {
  run -0 sandpit run -p local -- sh -c 'cat /proc/net/dev; echo /proc/[0-9]*'
  [[ ${lines[2]} =~ ^\ *lo: ]]
  [ "${#lines[@]}" = 4 ]
  [[ ${lines[3]} =~ ^/proc/1\ /proc/[0-9]+$ ]]
  run -0 sandpit run -p local -- python3 -c 'if True:
    import socket
    s = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(s.getsockname())'
  host=$(readlink /proc/self/ns/net)
  run -0 sandpit run -p local -- readlink /proc/self/ns/net
  [ "$output" != "$host" ]
}

@test "process 1 and its command have one filter, and only the rights that were granted" {
  # shellcheck disable=SC2016 # for the shell inside
  run -0 sandpit run -p local -- sh -c \
    'grep -hE "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp)" /proc/1/status >/tmp/1
     grep -hE "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp)" /proc/$$/status | diff - /tmp/1 &&
     cat /tmp/1'
  [[ $output == *"NoNewPrivs:"*1* ]]
  [[ $output == *"Seccomp:"*2* ]]
  [[ $output == *"Seccomp_filters:"*1 ]]
}

@test "timings name the steps of both sides in the order of their time" {
  run -0 --separate-stderr sandpit run -p local --timings -- true
  for step in "runner started" prepared "runner up" namespaces released root proc dev \
    "root built" cgroups filter exec exited dead cleaned; do
    [[ $stderr == *" ms  $step"* ]]
  done
}

@test "what needs a module goes to the twin, with all its words; the rest does not" {
  local from
  from=$(dirname "$(type -P sandpit)")
  [ -x "$from/sandpit-full" ] || skip "tool: musl-gcc was not there, so there is one program"
  mkdir "$W/lone"
  cp "$from"/sandpit-{runner,worker} "$W/lone/"
  SANDPIT_LIBEXEC_DIR=$W/lone SANDPIT_DATA_DIR=$from/share/sandpit run -0 sandpit run -p local -- true
  SANDPIT_LIBEXEC_DIR=$W/lone SANDPIT_DATA_DIR=$from/share/sandpit run -125 sandpit run -p docker -- true
  [[ $output == "sandpit: "*"$W/lone/sandpit-full"*"No such file"* ]]
  printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$W/lone/sandpit-full"
  chmod 755 "$W/lone/sandpit-full"
  SANDPIT_LIBEXEC_DIR=$W/lone SANDPIT_DATA_DIR=$from/share/sandpit run -0 sandpit run -p docker \
    --timeout 7 -- echo "two words"
  [ "$output" = "$(printf '%s\n' run -p docker --timeout 7 -- echo "two words")" ]
}
