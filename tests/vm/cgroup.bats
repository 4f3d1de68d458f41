#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where cgroups are found: run on the machines of run.sh only, since it arranges the
# hierarchies as distributions, containers and service managers do.
#
# shellcheck disable=SC2016 # what is to be expanded inside
# shellcheck disable=SC2154 # run sets stderr

load ../system/helper

USER_SERVICE=user.slice/user-1000.slice/user@1000.service

setup() {
  make_world
  export P=local
  case $SP_LAYOUT in
  v2) TREE=/sys/fs/cgroup ;;
  hybrid) TREE=/sys/fs/cgroup/unified ;;
  v1) TREE='' ;;
  esac
}

# As who made them: root does not touch another's state.
teardown() {
  sandpit destroy -p local --all >/dev/null || :
  AS_USER=''
  remove_world
  [ -z "$TREE" ] || leave_all
}

# Back to where nobody is limited, and all that this test made goes.
leave_all() {
  echo $$ >"$TREE/cgroup.procs"
  local dir
  find "$TREE" -mindepth 1 -depth -type d | while read -r dir; do
    wait_until 10 rmdir "$dir" 2>/dev/null || :
  done
}

need_tree() {
  [ -n "$TREE" ] || skip "there is no version 2"
}

limited() { # is it version 2 that holds limits here?
  [ "$SP_LAYOUT" = v2 ]
}

# What the manager of a user's services hands down.
delegate() { # CONTROLLERS...
  local dir=$TREE part word
  mkdir -p "$TREE/$USER_SERVICE"
  if limited; then
    for part in '' user.slice user-1000.slice; do
      dir=$dir${part:+/$part}
      for word in "$@"; do echo "+$word" >"$dir/cgroup.subtree_control"; done
    done
  fi
  chown 65534 "$TREE/$USER_SERVICE" "$TREE/$USER_SERVICE"/cgroup.{procs,threads,subtree_control}
  delegated=$TREE/$USER_SERVICE
}

# The commands of this test from here on are an ordinary user's, in this cgroup.
be_user_in() { # CGROUP
  [ -d "$W/bin" ] || copy_programs
  chown -R 65534:65534 "$W"/{home,state,run,config,cache}
  AS_USER=1
  echo $$ >"$1/cgroup.procs"
}

layer() { # BOX NAME
  sandpit inspect "$1" | json "['layers']['$2']"
}

cgroups_of() { # BOX
  sandpit inspect "$1" | json '["cgroups"]'
}

@test "root's sandboxes have a folder at the top" {
  need_tree
  local box
  box=$(new_sandbox --cpu-time 9)
  [[ $(cgroups_of "$box") == *"$TREE/sandpit/sandpit-sb-"* ]]
  [ "$(layer "$box" "memory limit")" = enforced ]
  [ "$(layer "$box" "process limit")" = enforced ]
  [ "$(layer "$box" "CPU time limit")" = enforced ]
  [ "$(layer "$box" pause)" = enforced ]
  # Who joins is inside as well.
  sandpit exec "$box" 'exec sleep 31' 3>&- &
  local pid=$!
  wait_until 40 eval "pgrep -fx 'sleep 31' >/dev/null"
  [[ $(cat "/proc/$(pgrep -fx 'sleep 31')/cgroup") == *"/sandpit/sandpit-${box#local:}"* ]]
  sandpit destroy "$box"
  wait "$pid" || :
  find "$TREE/sandpit" -mindepth 1 -type d -exec cat '{}/cgroup.procs' '{}/cgroup.events' ';' -print
  [ ! -e "$TREE/sandpit/sandpit-${box#local:}" ]
}

@test "a user's sandboxes go beside the unit they were started from" {
  need_tree
  delegate memory pids cpu io
  mkdir "$delegated/app.slice" "$delegated/app.slice/shell.scope"
  chown -R 65534 "$delegated/app.slice"
  be_user_in "$delegated/app.slice/shell.scope"
  local box
  box=$(new_sandbox)
  [ "$(layer "$box" pause)" = enforced ]
  if limited; then
    [[ $(cgroups_of "$box") == *"$delegated/"*"sandpit-sb-"* ]]
    [ "$(layer "$box" "memory limit")" = enforced ]
    [ "$(layer "$box" "process limit")" = enforced ]
    run --separate-stderr sprun --json --memory 24m 'head -c 200000000 /dev/zero | tail -n 1 >/dev/null'
    [ "$(json '["oom_killed"]' <<<"$output")" = true ]
    sprun --cpus 0.5 true
  fi
  sandpit exec "$box" true
  sandpit pause "$box"
  sandpit resume "$box"
  sandpit destroy "$box"
}

@test "who sits in what was delegated makes room by moving into a leaf" {
  limited || skip "version 1 has the controllers"
  delegate memory pids cpu
  be_user_in "$delegated"
  local box
  box=$(new_sandbox --memory 64m --pids 30 --cpus 0.5)
  [[ $(cgroups_of "$box") == *"$delegated/sandpit-sb-"* ]]
  grep -qx "$$" "$delegated/sandpit-callers/cgroup.procs"
  [ "$(cat "$delegated"/sandpit-sb-*/memory.max)" = $((64 << 20)) ]
  [ "$(cat "$delegated"/sandpit-sb-*/memory.swap.max 2>/dev/null || echo 0)" = 0 ]
  [ "$(cat "$delegated"/sandpit-sb-*/memory.oom.group)" = 1 ]
  [ "$(cat "$delegated"/sandpit-sb-*/pids.max)" = 30 ]
  [ "$(cat "$delegated"/sandpit-sb-*/cpu.max)" = "50000 100000" ]
  sandpit exec "$box" true
  sandpit destroy "$box"
  # A second time it is as it should be already.
  sprun --memory 64m true
}

@test "a unit of root's own that was delegated keeps its sandboxes in itself" {
  limited || skip "version 1 has the controllers"
  local unit=$TREE/system.slice/build.service box
  mkdir -p "$unit"
  for word in memory pids cpu; do
    echo "+$word" >"$TREE/cgroup.subtree_control"
    echo "+$word" >"$TREE/system.slice/cgroup.subtree_control"
  done
  # As the service manager marks it.
  python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.delegate", b"1")' "$unit"
  echo $$ >"$unit/cgroup.procs"
  box=$(new_sandbox --memory 64m)
  [[ $(cgroups_of "$box") == *"$unit/sandpit-sb-"* ]]
  grep -qx "$$" "$unit/sandpit-callers/cgroup.procs"
  [ "$(layer "$box" "memory limit")" = enforced ]
  sandpit exec "$box" true
  sandpit destroy "$box"
}

@test "a controller that was not delegated is named, and asked for an error" {
  limited || skip "version 1 has the controllers"
  delegate memory pids
  mkdir "$delegated/shell.scope"
  chown -R 65534 "$delegated/shell.scope"
  be_user_in "$delegated/shell.scope"
  sprun --memory 64m true
  run --separate-stderr sprun --cpus 0.5 true
  [ "$status" = 125 ]
  [[ $stderr == *"CPU limit cannot be enforced: "*" has no cpu (delegate it: "* ]]
}

@test "where nothing was delegated the limits are each process's own, and what to do is said" {
  need_tree
  delegate memory pids
  mkdir "$TREE/user.slice/user-1000.slice/session-1.scope"
  be_user_in "$TREE/user.slice/user-1000.slice/session-1.scope"
  local box
  box=$(new_sandbox)
  [[ $(layer "$box" pause) == "degraded: by signals ("*"systemd-run --user --scope"* ]]
  if limited; then
    [[ $(layer "$box" "memory limit") == "degraded: "*"systemd-run --user --scope"* ]]
    run --separate-stderr sprun --memory 64m true
    [ "$status" = 125 ]
  fi
  sandpit exec "$box" true
  sandpit pause "$box"
  sandpit resume "$box"
}

@test "a threaded cgroup is refused by name" {
  need_tree
  delegate memory pids
  mkdir "$delegated/threads"
  echo threaded >"$delegated/threads/cgroup.type"
  chown -R 65534 "$delegated/threads"
  copy_programs
  # Only a thread can go there: the domain is the one above.
  echo $$ >"$delegated/cgroup.procs"
  echo $$ >"$delegated/threads/cgroup.threads"
  chown -R 65534:65534 "$W"/{home,state,run,config,cache}
  export AS_USER=1
  local box
  box=$(new_sandbox)
  [[ $(layer "$box" pause) == *"limits threads only"* ]]
}

@test "in a container with its own view of the hierarchy the limits hold, too" {
  limited || skip "version 1 has the controllers"
  mkdir "$TREE/container"
  echo $$ >"$TREE/container/cgroup.procs"
  for word in memory pids cpu; do echo "+$word" >"$TREE/cgroup.subtree_control"; done
  run unshare -Cm sh -c 'umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup &&
    box=$(sandpit create -p local --memory 64m --pids 30) && sandpit inspect "$box" &&
    cat /sys/fs/cgroup/sandpit-sb-*/memory.max && sandpit exec "$box" true && sandpit destroy "$box"'
  echo "$output"
  [ "$status" = 0 ]
  [[ $output == *'"memory limit":"enforced"'* ]]
  [[ $output == *$'\n67108864'* ]]
}

@test "in a container that may not write any hierarchy the loss is named" {
  run unshare -Cm sh -c 'sed -n "s,^[^ ]* \(/sys/fs/cgroup[^ ]*\) .*,\1,p" /proc/self/mounts |
    while read -r at; do mount -o remount,bind,ro "$at"; done
    box=$(sandpit create -p local) &&
    sandpit inspect "$box" && sandpit exec "$box" true && sandpit destroy "$box"'
  echo "$output"
  [ "$status" = 0 ]
  [[ $output == *'"pause":"degraded: '*"Read-only file system"* ]]
  [[ $output == *'"process limit":"degraded: '* ]]
}

@test "a sandbox whose supervisor was killed is cleaned up, paused or not" {
  local box pid
  for pause in "" pause; do
    box=$(new_sandbox)
    pid=$(sandpit inspect "$box" | json '["supervisor_pid"]')
    [ -z "$pause" ] || sandpit pause "$box"
    kill -9 "$pid"
    wait_until 40 eval "! kill -0 $pid 2>/dev/null"
    sandpit destroy "$box"
    no_sandboxes
  done
  wait_until 40 eval '[ -z "$(find /sys/fs/cgroup -type d -name "sandpit-sb-*")" ]'
}
