#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Worlds that lack something: what still works is used, what is lost is named, by doctor, on
# the sandbox's record and in the error of whoever required it.  As root and as a user.
#
# shellcheck disable=SC2154 # run sets stderr
load helper

setup() {
  make_world
  export P=local AS_USER='' WORLD=''
  kept=
}

teardown() {
  [ -z "$kept" ] || sandpit destroy "$kept"
  remove_world
}

as() { # root|rootless
  require userns
  require "$1"
  [ "$1" = root ] && return
  AS_USER=1
  copy_programs
  chown -R 65534:65534 "$W"/{home,state,store,run,config,cache}
}

# From here on sandpit is started where WHAT is refused, as a container's filter does it.
lacking() { # WHAT
  [ "$(id -u)" = 0 ] || skip_for root "needs root, for a filter without no_new_privs"
  cp "$B/tests/helpers/refuse" "$W/refuse"
  WORLD=$1
  sandpit() { "$W/refuse" "$WORLD" ${AS_USER:+setpriv --reuid 65534 --regid 65534 --clear-groups --} sandpit "$@"; }
}

layer() { # NAME
  sandpit inspect "$kept" | json '["layers"]["'"$1"'"]'
}

row() { # LAYER FIELD
  sandpit doctor --json | python3 -c '
import json, sys
print(next(r[sys.argv[2]] for r in json.load(sys.stdin) if r["layer"] == sys.argv[1]))' "$1" "$2"
}

# One layer is lost: it works without, says so everywhere, and not when it is required.
loses() { # LAYER STATE REASON
  kept=$(new_sandbox)
  run sandpit exec "$kept" 'echo works'
  [ "$output" = works ]
  [[ $(layer "$1") == $2:*$3* ]]
  [ "$(row "$1" state)" = "$2" ]
  [ -n "$(row "$1" mend)" ]
  run --separate-stderr sprun --require "$1" echo started
  [ "$status" -eq 125 ]
  [ "$output" = "" ]
  [[ $stderr == *"layer \"$1\" is required"* ]]
}

@test "without Landlock" { as root; lacking landlock; loses Landlock off ENOSYS; }
@test "without Landlock, started by a user" { as rootless; lacking landlock; loses Landlock off ENOSYS; }

@test "without Landlock the network of the host is refused" {
  as rootless
  lacking landlock
  run --separate-stderr sprun --network host true
  [ "$status" -eq 125 ]
  [[ $stderr == *"needs Landlock ABI 6"* ]]
}

@test "without keyrings" { as root; lacking keyctl; loses "session keyring" degraded keyctl; }
@test "without keyrings, started by a user" { as rootless; lacking keyctl; loses "session keyring" degraded keyctl; }

@test "without clone3 everything is as ever" {
  as root
  lacking clone3
  run sprun --require user-namespace,id-range,Landlock,session-keyring echo fine
  [ "$output" = fine ]
  kept=$(new_sandbox)
  run sandpit exec "$kept" 'echo works'
  [ "$output" = works ]
}

cannot_start() { # REASON
  run --separate-stderr sprun true
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: run: "*$1* ]]
  [ "$(wc -l <<<"$stderr")" -eq 1 ]
  no_sandboxes
  run -125 sandpit doctor
}

@test "where a filter refuses user namespaces, the error and doctor say so" {
  as rootless
  lacking userns
  cannot_start "create namespaces"*"sandpit doctor"
  [[ $(row "user namespace" detail) == *EPERM* ]]
  [[ $(row "user namespace" mend) == *seccomp=unconfined* ]]
  [ "$(row "user namespace" vital)" = True ]
}

@test "where user namespaces are switched off, doctor names the knob" {
  as rootless
  run unshare -Ur bash -c 'echo 0 >/proc/sys/user/max_user_namespaces && sandpit doctor --json'
  [ "$status" -eq 125 ]
  [[ $(json ';v=[r["mend"] for r in v if r["layer"]=="user namespace"][0]' <<<"$output") == "sysctl user.max_user_namespaces"* ]]
}

@test "without the new mount interface nothing starts, and doctor says why" {
  as root
  lacking mounts
  cannot_start "file system"
  [[ $(row "mount interface" detail) == *ENOSYS* ]]
}

# As in a container: a covered part of /proc, and the kernel grants no new one.
@test "where /proc is covered, the error and doctor tell what to do" {
  as root
  sandpit() { unshare --mount sh -c 'mount -t tmpfs none /proc/irq && exec sandpit "$@"' - "$@"; }
  cannot_start "systempaths=unconfined"
  [ "$(row "masked paths" state)" = off ]
  [[ $(row "masked paths" mend) == *systempaths=unconfined* ]]
}

@test "root of a namespace without ids has one id, and says so" {
  as rootless
  sandpit() { as_user unshare -Ur sandpit "$@"; }
  run sprun 'id -u; cat /proc/self/uid_map'
  [ "$(tr -s ' ' <<<"$output")" = $'0\n 0 0 1' ]
  run --separate-stderr sprun --require id-range true
  [ "$status" -eq 125 ]
  [[ $stderr == *"one id"* ]]
}

@test "in a sandbox there is no sandbox, in one line" {
  as root
  run --separate-stderr sprun -v "$B:/build" -e SANDPIT_STATE_DIR=/tmp/state /build/sandpit run -p local true
  [ "$status" -eq 125 ]
  [[ $stderr == *"create namespaces (see 'sandpit doctor'"* ]]
}
