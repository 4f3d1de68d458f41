#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The layers of the local sandbox one by one: each is looked at from where it shows, which
# for most is the host.  As root, and as an ordinary user.
#
# shellcheck disable=SC2154 # run sets stderr
load helper

setup() {
  make_world
  export P=local AS_USER=''
  kept=
}

teardown() {
  [ -z "$kept" ] || sandpit destroy "$kept"
  remove_world
}

# The command as the host's root or as an ordinary user.
as() { # root|rootless
  require userns
  require "$1"
  [ "$1" = root ] && return
  AS_USER=1
  copy_programs
  chown -R 65534:65534 "$W"/{home,state,store,run,config,cache}
}

has_landlock() {
  python3 -c 'import ctypes,sys; sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < '"${1:-1}"')' ||
    skip "landlock: the kernel has no Landlock ABI ${1:-1}"
}

# Device nodes, even the one anybody may make, a whiteout; nothing else is lost.
landlock_probe='
import fcntl, os, termios
def tries(name, what):
    try: what(); print(name, "worked")
    except OSError as e: print(name, e.strerror)
def ask(path):
    with open(path) as f: fcntl.ioctl(f, termios.TCGETS, b"x" * 100)
tries("device", lambda: os.mknod("/tmp/node", 0o020600, 0))
tries("fifo", lambda: os.mkfifo("/tmp/fifo"))
tries("top", lambda: os.mkdir("/top"))
tries("move", lambda: (open("/tmp/x", "w").close(), os.rename("/tmp/x", "/workspace/x")))
tries("link", lambda: os.link("/workspace/x", "/top/y"))
tries("shared memory", lambda: open("/dev/shm/x", "w").close())
tries("terminal", lambda: os.ttyname(os.openpty()[1]))
tries("null", lambda: ask("/dev/null"))
'
landlock_works() {
  has_landlock 5
  as "$1"
  kept=$(new_sandbox)
  local expected=$'device Permission denied\nfifo worked\ntop worked\nmove worked\nlink worked
shared memory worked\nterminal worked\nnull Permission denied'
  run sprun --lang python -f - <<<"$landlock_probe"
  [ "$output" = "$expected" ]
  run sandpit exec --lang python -f - "$kept" <<<"$landlock_probe"
  [ "$output" = "$expected" ]
}

@test "Landlock refuses devices and nothing that programs do" { landlock_works root; }
@test "Landlock refuses devices and nothing that programs do, started by a user" { landlock_works rootless; }

@test "of one run the processes trace each other, of two execs they do not" {
  has_landlock
  as root
  kept=$(new_sandbox)
  run sprun 'sleep 100 & readlink "/proc/$!/cwd"; kill "$!"'
  [ "$output" = /workspace ]
  coproc first { sandpit exec "$kept" 'echo $$; read -r line'; }
  local to=${first[1]} pid=$first_PID number
  read -rt 20 -u "${first[0]}" number
  run sandpit exec "$kept" "readlink /proc/$number/cwd || echo refused; kill -0 $number && echo signalled"
  echo >&"$to"
  wait "$pid"
  [ "$output" = $'refused\nsignalled' ]
}

# --- Ids granted to an ordinary user -------------------------------------------------------
granted_to_nobody() { # LINE...
  # shellcheck source=../helpers/granted.bash
  . "$BATS_TEST_DIRNAME/../helpers/granted.bash"
  local reason
  reason=$(granted_missing) || skip_for "${reason%%: *}" "${reason#*: }"
  as rootless
  printf '%s\n' "$@" >"$W/subids"
  sandpit() { as_granted "$W/subids" ${NO_NEW_PRIVS:+setpriv --no-new-privs} sandpit "$@"; }
}

layer() { # HANDLE NAME
  sandpit inspect "$1" | json '["layers"]["'"$2"'"]'
}

@test "a user with granted ids has a range inside, and no groups" {
  granted_to_nobody nobody:1000000:65536
  mkdir -m 755 "$W/share"
  echo secret >"$W/share/of the group"
  chmod 640 "$W/share/of the group"
  chgrp 4242 "$W/share/of the group"
  GRANTED_GROUPS=4242 run sprun -v "$W/share:/share" 'id -G; cat /proc/self/uid_map; cat /share/*'
  [[ $output == 0$'\n'*" 65534 "*"1 "*1000001*65535*"Permission denied" ]]
  run --separate-stderr sprun -u 1000:1000 'id -u; echo said >/dev/stderr; cat /proc/self/[ug]id_map'
  [ "$(tr -s ' ' <<<"$output")" = $'1000\n 0 1000000 65536\n 0 1000000 65536' ]
  [ "$stderr" = said ]
}

@test "what is shared read-write with such a sandbox stays the user's" {
  granted_to_nobody nobody:1000000:65536
  mkdir "$W/share"
  chown 65534:65534 "$W/share"
  sprun -v "$W/share:/share:rw" 'echo text >/share/made'
  [ "$(stat -c %u:%g "$W/share/made")" = 65534:65534 ]
}

@test "a user's sandboxes have ranges of their own while there are some" {
  granted_to_nobody nobody:1000000:131072 nobody:2000000:65536
  local a b c
  a=$(new_sandbox) b=$(new_sandbox) c=$(new_sandbox)
  [ "$(layer "$a" "id range")" = enforced ]
  [ "$(layer "$b" "id range")" = enforced ]
  [[ $(layer "$c" "id range") == "degraded: shared with your other sandboxes"* ]]
  ids() { sandpit exec "$1" "awk '{ print \$2 }' /proc/self/uid_map"; }
  [ "$(ids "$a") $(ids "$b")" = "1065536 2000000" ] || [ "$(ids "$a") $(ids "$b")" = "2000000 1065536" ]
  [ "$(ids "$c")" = 1000000 ]
  sandpit destroy "$a"
  a=$(new_sandbox)
  [ "$(layer "$a" "id range")" = enforced ]
  sandpit destroy -p local --all
  no_sandboxes
}

@test "a sandbox of such a user ends at its deadline, whoever runs in it" {
  granted_to_nobody nobody:1000000:65536
  run sprun -t 0.5 -u 1000 "trap '' TERM; (setsid sleep 987 &) ; sleep 988"
  [ "$status" -eq 124 ]
  no_sandboxes
}

@test "what other users inside left in a volume is removed with it" {
  granted_to_nobody nobody:1000000:131072
  sandpit volume create -p local left
  sprun -v left:/vol:rw 'chmod 1777 /vol'
  sprun -u 1000 -v left:/vol:rw 'umask 077; mkdir -p /vol/a/b; echo x >/vol/a/b/f'
  [ -n "$(find "$W" -name b -uid +999999)" ]
  sandpit volume rm -p local left
  [ -z "$(find "$W" -uid +999999)" ]
}

@test "ids that cannot be mapped are one id, and the reason is told" {
  granted_to_nobody nobody:1000000:65536
  NO_NEW_PRIVS=1
  kept=$(new_sandbox)
  [[ $(layer "$kept" "id range") == "degraded: one id"*no_new_privs* ]]
  run sandpit exec "$kept" 'cat /proc/self/uid_map'
  [ "$(tr -s ' ' <<<"$output")" = " 0 65534 1" ]
}

@test "what newuidmap did is read back, and a lie ends the launch" {
  granted_to_nobody nobody:1000000:65536
  # In place of newgidmap: maps other ids than it was told.
  cat >"$W/liar.c" <<'C'
#include <stdio.h>
int main(int argc, char **argv)
{
	char path[64];
	FILE *f;
	(void)argc;
	snprintf(path, sizeof(path), "/proc/%s/gid_map", argv[1]);
	f = fopen(path, "w");
	return !f || fprintf(f, "0 3000000 65536\n") < 0 || fclose(f);
}
C
  cc -o "$W/liar" "$W/liar.c"
  chmod 4755 "$W/liar"
  sprun true # tried out with the real one
  run unshare --mount bash -c 'mount --bind "$1" "$2"; shift 2; "$@"' - "$W/liar" /usr/bin/newgidmap \
    bash -c ". '$BATS_TEST_DIRNAME/../helpers/granted.bash'; as_granted '$W/subids' sandpit run -p local true"
  [ "$status" -eq 125 ]
  [[ $output == *"gid_map is not what newgidmap was told"* ]]
  no_sandboxes
}

# --- Layers that are required ---------------------------------------------------------------
@test "layers that are enforced can be required, by names as they are typed" {
  as root
  run sprun --require id-range,Landlock,"process limit",session_keyring echo fine
  [ "$output" = fine ]
}

@test "a layer that is not enforced ends a launch that requires it, with what would mend it" {
  as rootless
  run --separate-stderr sprun --require id-range true
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: run: "*'"id range"'*"degraded: one id"*"mend"*usermod* ]]
  run --separate-stderr sandpit create -p local --require 'device cgroup'
  [ "$status" -eq 125 ]
  [[ $stderr == *'"device cgroup"'*"start as root"* ]]
  run --separate-stderr sprun --network host --require net-namespace true
  [[ $stderr == *'"net namespace"'*"off: network host was asked for"* ]]
  no_sandboxes
}

@test "an unknown layer is refused with the list of all" {
  as rootless
  run --separate-stderr sprun --require nonsense true
  [ "$status" -eq 125 ]
  [[ $stderr == *'no layer "nonsense"'*"user namespace"*"image base" ]]
}

@test "doctor has a row for each layer of a record, by the same name" {
  as root
  kept=$(new_sandbox)
  sandpit doctor --json | python3 -c 'import json,sys; print(*[r["layer"] for r in json.load(sys.stdin)], sep="\n")' | sort >"$W/rows"
  sandpit inspect "$kept" | python3 -c 'import json,sys; print(*json.load(sys.stdin)["layers"], sep="\n")' | sort >"$W/layers"
  [ "$(wc -l <"$W/layers")" -ge 20 ]
  run comm -13 "$W/rows" "$W/layers"
  [ "$output" = "" ]
}

# --- Seen from the host ---------------------------------------------------------------------
field() { # PID NAME
  sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

@test "process 1 and a command are confined, as the host's kernel shows them" {
  as root
  kept=$(new_sandbox)
  local init pid
  init=$(sandpit inspect "$kept" | json '["init_pid"]')
  coproc talk { sandpit exec "$kept" 'echo ready; read -r line'; }
  local to=${talk[1]} talker=$talk_PID line
  read -rt 20 -u "${talk[0]}" line
  # The command's shell among all that share its pid namespace.
  for p in /proc/[0-9]*; do
    [ "$(readlink "$p/ns/pid")" = "$(readlink "/proc/$init/ns/pid")" ] || continue
    [ "$(field "${p#/proc/}" Name)" != sh ] || pid=${p#/proc/}
  done
  [ -n "$pid" ]
  for p in $init $pid; do
    [ "$(field "$p" NoNewPrivs)" = 1 ]
    [ "$(field "$p" Seccomp)" = 2 ]
    [ "$(field "$p" CapInh)" = 0000000000000000 ]
    [ "$(field "$p" CapAmb)" = 0000000000000000 ]
    [ $((0x$(field "$p" CapBnd) & ~0x405fb)) -eq 0 ]
    [ $((0x$(field "$p" CapPrm) & ~0x405fb)) -eq 0 ]
    [ "$(field "$p" Groups)" = "" ]
    [ "$(awk '{ print $1, $3 }' "/proc/$p/uid_map")" = "0 65536" ]
    [ "$(awk '{ print $2 }' "/proc/$p/gid_map")" -ge 100000 ]
    for ns in user mnt pid net ipc uts cgroup; do
      [ "$(readlink "/proc/$p/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
      [ "$ns" = cgroup ] || [ "$(readlink "/proc/$p/ns/$ns")" = "$(readlink "/proc/$init/ns/$ns")" ]
    done
  done
  echo >&"$to"
  wait "$talker"
}

@test "as root every sandbox is in the device cgroup, which goes with the last" {
  as root
  [ -w /sys/fs/cgroup/devices/devices.deny ] || skip_for cgroup "no version 1 controller of devices"
  kept=$(new_sandbox)
  local init group
  init=$(sandpit inspect "$kept" | json '["init_pid"]')
  group=/sys/fs/cgroup/devices$(sed -n 's/.*:devices:\(.*\)/\1/p' "/proc/$init/cgroup")
  [[ $group == */sandpit-devices ]]
  grep -qx "c 1:3 rw" "$group/devices.list"
  run ! grep -qE "^a |m$" "$group/devices.list"
  sandpit exec "$kept" 'echo >/dev/null; head -c 1 /dev/urandom >/dev/null'
  run sprun 'cat /proc/self/cgroup'
  [[ $output != *sandpit-devices* ]]
  [ -d "$group" ]
}
