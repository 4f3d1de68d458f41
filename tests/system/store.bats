#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What outlives sandboxes, from the command line: snapshots, forks, volumes, events; as root
# and as an ordinary user, and with whoever is at work killed at any moment.
#
# shellcheck disable=SC2154 # run sets stderr
# shellcheck disable=SC2016 # what is to be expanded inside

load helper

setup() {
  export P=local AS_USER=''
  require userns
  make_world
  S=$SANDPIT_STORE_DIR
}

teardown() {
  sandpit destroy -p local --all || :
  ! mountpoint -q "$W/small" || umount -l "$W/small"
  remove_world
}

# From here on, what is done is done by an ordinary user.
become_user() {
  require rootless
  copy_programs
  [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$W"/{home,state,store,run,config,cache}
  export AS_USER=1
}

# The host's own shell and tools with the libraries they ask for.
make_image() {
  local program library
  I=$W/image
  mkdir -p "$I"/{bin,opt,usr}
  for program in sh ls cat rm; do
    cp -L "$(type -P "$program")" "$I/bin/"
    ldd "$(type -P "$program")" | grep -o '/[^ ]*' | while read -r library; do
      mkdir -p "$I${library%/*}"
      cp -L "$library" "$I$library"
    done
  done
  echo original >"$I/opt/data"
  chmod -R go+rX "$I"
}

# What the store keeps of its own: nothing, when nobody is at work.
store_is_tidy() {
  [ -z "$(find "$S" -mindepth 2 -maxdepth 2 -name '.*')" ]
}

supervisor_of() {
  sandpit inspect "$1" | json '["supervisor_pid"]'
}

# --- Snapshots ---------------------------------------------------------------------------

snapshot_and_back() {
  local h name
  h=$(new_sandbox)
  sandpit exec "$h" 'echo kept >/workspace/file; rm /etc/hosts; echo x >/opt/x; chmod 0 /opt/x'
  run --separate-stderr sandpit snapshot "$h" first
  [ "$status" -eq 0 ] && [ "$output" = first ] && [ "$stderr" = "" ]
  name=$(sandpit snapshot "$h" --json | json '["snapshot"]')
  [[ $name == snap-* ]]
  run -0 sandpit run -p local -i first 'cat /workspace/file /opt/x; ls -d /usr/bin'
  [ "$output" = $'kept\nx\n/usr/bin' ]
  run -0 sandpit run -p local -i "snapshot:$name" 'cat /workspace/file'
  [ "$(sandpit snapshots --json | json '[0]["name"]')" = first ]
  [ "$(sandpit snapshots --json | json '[0]["image"]')" = host ]
  run -0 sandpit snapshots
  [[ ${lines[0]} == SNAPSHOT* && ${lines[1]} == first* ]]
  sandpit snapshots rm first "$name"
  [ "$(sandpit snapshots --json)" = "[]" ]
  [ -z "$(find "$S/snapshots" -mindepth 1)" ]
}

@test "a snapshot is an image, listed and removed by its name" {
  snapshot_and_back
}

@test "so it is for an ordinary user" {
  become_user
  snapshot_and_back
}

@test "an image of no known name says what names there are" {
  run -125 --separate-stderr sandpit run -p local -i nosuch true
  [[ $stderr == *'"nosuch"'*snapshots* ]]
  run -125 --separate-stderr sandpit run -p local -i snapshot:../x true
  [[ $stderr == *'"snapshot:../x"'* ]]
}

@test "a snapshot in use is kept, and its user named" {
  local h
  h=$(new_sandbox)
  sandpit snapshot "$h" base
  h=$(new_sandbox -i base)
  run -125 --separate-stderr sandpit snapshots rm base
  [[ $stderr == *"in use by sandbox $h"* ]]
  # However its user ends.
  kill -9 "$(supervisor_of "$h")"
  wait_until 10 sandpit snapshots rm base
}

@test "a snapshot on an image folder says when that folder has changed or gone" {
  local h
  make_image
  h=$(new_sandbox -i "$I")
  sandpit exec "$h" -- /bin/sh -c 'echo new >/opt/new; rm /opt/data'
  sandpit snapshot "$h" on-folder
  run -0 sandpit run -p local -i on-folder -- /bin/ls /opt
  [ "$output" = new ]
  [ "$(cat "$I/opt/data")" = original ]
  h=$(new_sandbox -i on-folder)
  run -0 sandpit inspect "$h"
  [[ $output != *'"image base":"degraded'* ]]
  mkdir "$I/usr/bin"
  h=$(new_sandbox -i on-folder)
  run -0 sandpit inspect "$h"
  [[ $output == *'"image base":"degraded: '"$I"' changed since snapshot on-folder was made"'* ]]
  sandpit destroy -p local --all
  mv "$I" "$W/elsewhere"
  run -125 --separate-stderr sandpit run -p local -i on-folder -- /bin/ls /
  [[ $stderr == *"what snapshot on-folder was made on"*"$I"* ]]
}

@test "a paused sandbox can be copied and stays paused" {
  local h
  h=$(new_sandbox)
  sandpit exec "$h" 'echo kept >/opt/file'
  sandpit pause "$h"
  sandpit snapshot "$h" still
  [ "$(sandpit list -p local --json | json '[0]["state"]')" = paused ]
  run -0 sandpit run -p local -i still 'cat /opt/file'
  [ "$output" = kept ]
  run -0 sandpit exec "$(sandpit fork "$h")" 'cat /opt/file'
  sandpit resume "$h"
  sandpit exec "$h" true
  [ "$(sandpit events "$h" | grep -cE ' (paused|resumed)$')" = 2 ]
}

@test "what a snapshot holds is reached through no name inside" {
  local h
  h=$(new_sandbox)
  sandpit exec "$h" 'touch /opt/mark'
  sandpit snapshot "$h" base
  run -0 sandpit run -p local -i base 'cat /proc/self/mountinfo; ls -l /proc/self/fd /proc/1/fd 2>&1; true'
  [[ $output != *"$W"* && $output != *snapshots* ]]
}

@test "a full store is an error and leaves nothing" {
  require root
  local h
  mkdir "$W/small"
  mount -t tmpfs -o size=4m,mode=700 tmpfs "$W/small" || skip_for root "cannot mount"
  h=$(new_sandbox)
  sandpit exec "$h" 'head -c 20m /dev/urandom >/opt/big'
  SANDPIT_STORE_DIR=$W/small run -125 --separate-stderr sandpit snapshot "$h" big
  [[ $stderr == *[Nn]o*space* ]]
  [ -z "$(find "$W/small/snapshots" -mindepth 1)" ]
  sandpit exec "$h" true
  SANDPIT_STORE_DIR=$W/small run -125 sandpit fork "$h"
  [ -z "$(find "$W/small/snapshots" -mindepth 1)" ]
}

# --- Forks -------------------------------------------------------------------------------

fork_and_end() {
  local h f g
  h=$(new_sandbox -l team=blue -e COLOUR=green)
  sandpit exec "$h" 'echo 1 >/opt/one; cd /opt; mkdir d; touch d/file'
  f=$(sandpit fork "$h")
  [[ $f == local:sb-* && $f != "$h" ]]
  run -0 sandpit exec "$f" 'cat /opt/one; echo $COLOUR; rm -r /opt/d; mkdir /opt/d; ls /opt/d'
  [ "$output" = $'1\ngreen' ]
  g=$(sandpit fork "$f" --json | json '["sandbox"]')
  sandpit destroy "$h" "$f"
  run -0 sandpit exec "$g" 'cat /opt/one; ls /opt/d'
  [ "$output" = 1 ]
  [ "$(sandpit list -p local -l team=blue --json | json '[0]["id"]')" = "${g#local:}" ]
  run ! store_is_tidy
  sandpit destroy "$g"
  store_is_tidy
}

@test "a fork has what was written, and its layer goes with its last user" {
  fork_and_end
}

@test "a fork requires the layers that its origin did" {
  h=$(sandpit create --require 'pid namespace,Landlock')
  f=$(sandpit fork "$h")
  grep '^require=' "$SANDPIT_STATE_DIR/local/${h#local:}/record" >"$W/origin"
  [ "$(wc -l <"$W/origin")" = 2 ]
  grep '^require=' "$SANDPIT_STATE_DIR/local/${f#local:}/record" | diff "$W/origin" -
}

@test "so it is for a fork of an ordinary user" {
  become_user
  fork_and_end
}

# --- Volumes -----------------------------------------------------------------------------

volume_life() {
  local h
  run -0 sandpit volume create data
  [ "$output" = data ]
  run -125 --separate-stderr sandpit volume create data
  [[ $stderr == *"there is a volume data already"* ]]
  h=$(new_sandbox -v data:/data -v other:/other:ro)
  sandpit exec "$h" 'echo 1 >/data/file; ! touch /other/file 2>/dev/null'
  run -0 sandpit run -p local -v data:/elsewhere 'cat /elsewhere/file; echo 2 >>/elsewhere/file'
  [ "$output" = 1 ]
  run -0 sandpit exec "$h" 'cat /data/file'
  [ "$output" = $'1\n2' ]
  [ "$(sandpit volume list --json | json '[0]["name"]')" = data ]
  [ "$(sandpit volume inspect data | json '["bytes"]')" -ge 4 ]
  run -125 --separate-stderr sandpit volume rm data
  [[ $stderr == *"in use by sandbox $h"* ]]
  sandpit destroy "$h"
  sandpit volume rm data other
  [ "$(sandpit volume list --json)" = "[]" ]
  [ -z "$(find "$S/volumes" -mindepth 1)" ]
}

@test "a volume is made, shared, listed, kept while it is used, and removed" {
  volume_life
}

@test "so it is for a volume of an ordinary user" {
  become_user
  volume_life
}

@test "an empty volume can be written by any user inside, and owners stay" {
  require root
  sandpit run -p local -u 1000 -v data:/data 'touch /data/mine'
  run -0 sandpit run -p local -v data:/data 'stat -c "%u %a" /data/mine /data'
  [ "$output" = $'1000 644\n0 1777' ]
}

@test "a volume of any depth is removed" {
  sandpit run -p local -v deep:/data 'cd /data; python3 -c "
import os
for i in range(2000): os.mkdir(\"d\"); os.chdir(\"d\")"'
  sandpit volume rm deep
  [ -z "$(find "$S/volumes" -mindepth 1)" ]
}

@test "a word without a slash is a volume, with one it is a folder" {
  mkdir "$W/here" "$W/here/sub"
  cd "$W/here"
  echo folder >sub/file
  run -0 sandpit run -p local -v ./sub:/a 'cat /a/file'
  [ "$output" = folder ]
  run -0 sandpit run -p local -v sub:/a 'ls -A /a | wc -l'
  [ "$output" = 0 ]
  run -125 --separate-stderr sandpit run -p local -v ./nosuch:/a true
  [[ $stderr == *nosuch* ]]
}

# --- Events ------------------------------------------------------------------------------

@test "events tell of kept sandboxes, by name, by age and as JSON" {
  local h
  sandpit run -p local true
  [ -z "$(sandpit events -p local)" ]
  h=$(new_sandbox)
  run sandpit exec "$h" 'exit 3'
  run sandpit exec -t 0.2 "$h" 'sleep 60'
  sandpit snapshot "$h" first
  sandpit destroy "$h"
  sandpit events "$h" | cut -d ' ' -f 3- >"$W/told"
  [ "$(sed 's/ .*//' "$W/told" | paste -sd ' ')" = \
    "created exec exited exec timeout exited snapshot destroyed" ]
  grep -qx 'exited status=3' "$W/told"
  grep -qx 'snapshot name=first' "$W/told"
  grep -qx 'destroyed reason=asked' "$W/told"
  [ "$(sandpit events -p local --json | head -n 1 | json '["details"]["image"]')" = host ]
  [ "$(sandpit events -p local --since 600 | wc -l)" = 8 ]
  [ "$(stat -c %a "$W/state/events")" = 600 ]
}

@test "a time to live and a death have other reasons" {
  local h
  h=$(new_sandbox --ttl 0.3)
  wait_until 10 eval 'sandpit events -p local | grep -q reason=ttl'
  h=$(new_sandbox)
  kill -9 "$(supervisor_of "$h")"
  wait_until 10 eval 'sandpit destroy "$h" && sandpit events "$h" | grep -q reason=died'
}

@test "events are followed as they come, also over a new file" {
  local h pid
  h=$(new_sandbox)
  command sandpit events -p local --follow >"$W/followed" 3>&- &
  pid=$!
  wait_until 10 grep -q created "$W/followed"
  sandpit exec "$h" true
  wait_until 10 grep -q exited "$W/followed"
  truncate -s 5m "$W/state/events"
  sandpit destroy "$h"
  wait_until 10 grep -q destroyed "$W/followed"
  [ -e "$W/state/events.1" ]
  kill "$pid"
  wait "$pid" || [ $? -eq 143 ]
}

# --- Faults ------------------------------------------------------------------------------

# kill -9 of `sandpit ARGS...` after some of the time that it takes, some times over.
crash() { # MICROSECONDS ARGS...
  local span=$1 i pid delay
  shift
  RANDOM=4711
  [ -p "$W/never" ] || mkfifo "$W/never"
  for i in {0..5}; do
    delay=$((span * i / 6 + RANDOM % (span / 6)))
    command sandpit "$@" >/dev/null 2>&1 </dev/null 3>&- &
    pid=$!
    read -rt "$(printf '0.%06d' "$delay")" <>"$W/never" || :
    kill -9 "$pid" 2>/dev/null || : # over already
    wait "$pid" 2>/dev/null || :
  done
}

# How long a command takes here and now, in microseconds.
span_of() {
  local from=${EPOCHREALTIME/./} to
  command sandpit "$@" >/dev/null
  to=${EPOCHREALTIME/./}
  echo $((to - from + 1000))
}

# Workers go on when who started them is killed; then all of it is swept.
is_swept() {
  sandpit snapshots >/dev/null
  store_is_tidy
}

# What a person does after a crash; runners without a caller may still be ending.
all_gone() {
  sandpit list -p local >/dev/null
  sandpit destroy -p local --all
  [ -z "$(find "$W/state/local" "$W/state/ids" -mindepth 1 2>/dev/null)" ]
}

@test "kill -9 at six moments of a snapshot leaves none that is half, and a sandbox that runs" {
  local h
  h=$(new_sandbox)
  sandpit exec "$h" 'head -c 10m /dev/urandom >/opt/big; cd /opt; mkdir d; cd d; seq 2000 | xargs touch'
  crash "$(span_of snapshot "$h" whole)" snapshot "$h"
  wait_until 20 is_swept
  run -0 sandpit exec "$h" 'cksum </opt/big; ls /opt/d | wc -l'
  local expected=$output name
  [ "$(sandpit list -p local --json | json '[0]["state"]')" = running ]
  for name in $(sandpit snapshots --json | json '' | python3 -c '
import json, sys
print(*[s["name"] for s in json.load(sys.stdin)])'); do
    run -0 sandpit run -p local -i "$name" 'cksum </opt/big; ls /opt/d | wc -l'
    [ "$output" = "$expected" ]
  done
}

@test "kill -9 at six moments of a fork leaves nothing that destroy does not remove" {
  local h
  h=$(new_sandbox)
  sandpit exec "$h" 'head -c 10m /dev/urandom >/opt/big'
  crash "$(span_of fork "$h")" fork "$h"
  sandpit exec "$h" true
  wait_until 20 all_gone
  wait_until 20 is_swept
}

@test "a sandbox that ends while it is copied is an error, not half a copy" {
  local h pid
  h=$(new_sandbox)
  sandpit exec "$h" 'head -c 200m /dev/zero | tr "\0" x >/opt/big'
  command sandpit snapshot "$h" racing >"$W/out" 2>&1 3>&- &
  pid=$!
  sandpit destroy "$h"
  if wait "$pid"; then
    [ "$(sandpit run -p local -i racing 'stat -c %s /opt/big')" = $((200 * 1024 * 1024)) ]
  else
    [ "$(sandpit snapshots --json)" = "[]" ]
    grep -q '^sandpit: snapshot: ' "$W/out"
  fi
}
