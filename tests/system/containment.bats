#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What code inside the local sandbox can see and reach of the host: the tables of attempts
# in tests/helpers/attack_*.c, from three kinds of sandboxes (helper-contain.bash).
# shellcheck disable=SC2030,SC2031 # a test is a subshell, and so is all of it
load helper-contain

setup() {
  make_host
}

teardown() {
  local handle
  for handle in ${kept-}; do sandpit destroy "$handle"; done
  remove_host
}

new_local_sandbox() {
  sandpit create -p local -v "$W/attacks:/attacks"
}

# The tables of what a command is given, from one that joins.
attack_by_exec() {
  local family
  for family in process calls given; do
    (trap '' HUP; sandpit exec -e HOST_PID -e HOST_FILE "$kept" -- "/attacks/attack_$family" \
      <"$W/file" 7</ 9<"$W/file") >"$W/rows" || { cat "$W/rows"; return 1; }
    all_rows "$W/rows"
  done
  host_is_untouched
}

@test "root inside reaches no file, device or setting of the host" { attack root files; }
@test "a user inside reaches no file, device or setting of the host" { attack user files; }
@test "root inside, started by a user, reaches no file, device or setting of the host" { attack rootless files; }

@test "root inside reaches no process but its own" { attack root process; }
@test "a user inside reaches no process but its own" { attack user process; }
@test "root inside, started by a user, reaches no process but its own" { attack rootless process; }

@test "root inside is refused the calls on every ABI" { attack root calls; }
@test "a user inside is refused the calls on every ABI" { attack user calls; }
@test "root inside, started by a user, is refused the calls on every ABI" { attack rootless calls; }

@test "root inside reaches no network or socket of the host" { attack root net; }
@test "a user inside reaches no network or socket of the host" { attack user net; }
@test "root inside, started by a user, reaches no network or socket of the host" { attack rootless net; }

@test "root inside is handed nothing and gains nothing" { attack root given; }
@test "a user inside is handed nothing and gains nothing" { attack user given; }
@test "root inside, started by a user, is handed nothing and gains nothing" { attack rootless given; }

@test "root inside keeps the limits" {
  require cgroup
  attack root limits --pids 32 --disk 8m --nofile 64
}
@test "a user inside keeps the limits" {
  require cgroup
  attack user limits --pids 32 --disk 8m --nofile 64
}
# Without a control group the default number of processes is what setrlimit holds.
@test "root inside, started by a user, keeps the limits" {
  attack rootless limits --disk 8m --nofile 64 -e PIDS=512
}

@test "root in an image of its own reaches no file, device or setting of the host" {
  mkdir -p "$W/image/tmp" "$W/image/usr/bin" "$W/image/etc/ssl/certs" "$W/image/attacks"
  : >"$W/image/usr/bin/true"
  cp "$W"/attacks/attack_process "$W"/attacks/attack_calls "$W/image/attacks"
  choose_kind root
  local family
  for family in process calls; do
    sandpit run -p local -i "$W/image" -e HOST_PID -e HOST_FILE -- "/attacks/attack_$family" \
      >"$W/rows" || { cat "$W/rows"; return 1; }
    all_rows "$W/rows"
  done
  host_is_untouched
}

@test "an exec into a sandbox reaches no process, call or descriptor more" {
  choose_kind root
  kept=$(new_local_sandbox)
  attack_by_exec
}

@test "an exec into a user's sandbox reaches no process, call or descriptor more" {
  choose_kind rootless
  kept=$(new_local_sandbox)
  attack_by_exec
}

# attack_race HOW, racing with 20 joins of COMMAND and of cp.
race() { # HOW COMMAND...
  local how=$1 racer
  shift
  sandpit exec "$kept" -- /attacks/attack_race "$how" >"$W/race" 2>&1 3>&- &
  racer=$!
  for _ in {1..20}; do
    sandpit exec "$kept" -- "$@" >/dev/null 2>&1 </dev/null || :
  done
  sandpit cp "$kept:/etc/passwd" - >/dev/null
  sandpit exec "$kept" -- touch /workspace/stop
  wait "$racer" || { cat "$W/race"; return 1; }
  cat "$W/race"
  grep -q '^ok joining' "$W/race"
  [ "$(sed -n 's/.*seen up to //p' "$W/race")" -gt 20 ]
}

@test "a process that joins is not reached by those inside" {
  choose_kind root
  kept=$(new_local_sandbox)
  race reach /bin/true
}

@test "a process that joins a user's sandbox is not reached by those inside" {
  choose_kind rootless
  kept=$(new_local_sandbox)
  race reach /bin/true
}

# strace holds the runner still where it has the sandbox's capabilities and no filter yet.
@test "a process that joins a user's sandbox is not reached at its weakest moment" {
  require tool strace
  choose_kind rootless
  kept=$(new_local_sandbox)
  local racer
  sandpit exec "$kept" -- /attacks/attack_race reach >"$W/race" 2>&1 3>&- &
  racer=$!
  as_user strace -f -o /dev/null -e trace=capset -e inject=capset:delay_exit=100000 \
    "$(command -v sandpit)" exec "$kept" -- /bin/true </dev/null
  sandpit exec "$kept" -- touch /workspace/stop
  wait "$racer" || { cat "$W/race"; return 1; }
  grep -q '^ok joining' "$W/race"
}

# A script whose interpreter is whoever executes it: our own program, in the sandbox's hands.
@test "our own program cannot be overwritten from inside" {
  choose_kind root
  local before
  before=$(sha256sum "$B/sandpit-runner" "$B/sandpit-worker")
  kept=$(new_local_sandbox)
  sandpit exec "$kept" "printf '#!/proc/self/exe\n' >/workspace/x; chmod +x /workspace/x"
  race write /workspace/x
  [ "$(sha256sum "$B/sandpit-runner" "$B/sandpit-worker")" = "$before" ]
}

@test "a user's own program cannot be overwritten from inside" {
  choose_kind rootless
  mkdir "$W/user/libexec"
  cp "$B/sandpit-runner" "$B/sandpit-worker" "$W/user/libexec"
  [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$W/user"
  export SANDPIT_LIBEXEC_DIR=$W/user/libexec
  local before
  before=$(sha256sum "$W"/user/libexec/*)
  kept=$(new_local_sandbox)
  sandpit exec "$kept" "printf '#!/proc/self/exe\n' >/workspace/x; chmod +x /workspace/x"
  race write /workspace/x
  [ "$(sha256sum "$W"/user/libexec/*)" = "$before" ]
}

@test "more memory than the limit is not had, and the end says so" {
  require cgroup
  choose_kind root
  run -137 sandpit run -p local --memory 64m -v "$W/attacks:/attacks" -- /attacks/attack_limits memory 256
  [[ $output != *"it worked"* ]]
  [[ $output == *memory* ]]
}

@test "without a control group a process has no more memory than the limit" {
  choose_kind rootless
  run sandpit run -p local -v "$W/attacks:/attacks" -- /attacks/attack_limits memory 2048
  [[ $output == *ENOMEM* ]]
}

@test "a user cannot have another user inside, and is told so" {
  choose_kind rootless
  run -125 sandpit run -p local -u 1000 -- /bin/true
  [[ $output == *"only one user id is mapped"* ]]
}

@test "secrets are not in the arguments or the environment of process 1" {
  choose_kind root
  run -0 sandpit run -p local -e "TOKEN=secret of the caller" -- \
    sh -c 'cat /proc/1/cmdline /proc/1/environ | tr "\0" "\n"'
  [[ $output != *secret* ]]
}

@test "secrets are not in the arguments of any process on the host" {
  choose_kind root
  kept=$(sandpit create -p local -e "TOKEN=secret-4711")
  sandpit exec "$kept" -- true
  run bash -c "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep '[s]ecret-4711'"
  [ "$output" = "" ]
}

@test "a folder on standard input is no way out" {
  choose_kind root
  run sandpit run -p local -v "$W/attacks:/attacks" -- ls /proc/self/fd/0/ </
  [[ $output != *usr* ]]
}

# Said in docs/security.md: what you mount, you hand in, and sockets are part of it.
@test "a socket in a folder that is mounted can be connected to" {
  choose_kind root
  sandpit run -p local -v "$W/share:/share" -- python3 -c \
    'import socket; socket.socket(socket.AF_UNIX).connect("/share/socket")'
  [ "$(cat "$W/reached")" = path ]
}
