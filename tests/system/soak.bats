#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `make soak` for some seconds, and files of a sandbox's record that somebody removed.
load helper

setup() {
  make_world
}

teardown() {
  remove_world
}

# What run.sh needs, where an ordinary user can read it.
prepare_soak() {
  export B=${B:?} REAPER=$W/reaper
  cp "$B/tests/helpers/reaper" "$W/"
  cp -r "$BATS_TEST_DIRNAME/../soak" "$W/soak"
  chmod -R go+rX "$W/reaper" "$W/soak"
}

@test "killing whoever is involved leaves nothing, and no answer is wrong" {
  require userns
  prepare_soak
  TMPDIR=$W "$W/soak/run.sh" 7
}

@test "the same where an ordinary user started it" {
  require rootless
  prepare_soak
  copy_programs
  export B=$W/bin
  mkdir "$W/soaked"
  [ "$(id -u)" != 0 ] || chown 65534:65534 "$W/soaked"
  as_user env TMPDIR="$W/soaked" B="$B" REAPER="$REAPER" "$W/soak/run.sh" 7
}

@test "a sandbox that has lost files of its record is destroyed all the same" {
  require userns
  local files handle id
  for files in lock record control "lock init record control"; do
    handle=$(sandpit create -p local)
    id=${handle#*:}
    (cd "$SANDPIT_STATE_DIR/local/$id" && eval "rm $files")
    sandpit list -p local
    sandpit destroy "$handle"
    [ "$(sandpit list -p local --json)" = "[]" ]
    [ -z "$(find "$SANDPIT_STATE_DIR/local" "$SANDPIT_STATE_DIR/ids" -mindepth 1)" ]
    [ -z "$(find /sys/fs/cgroup -type d -name "sandpit-$id" 2>/dev/null)" ]
  done
}

# Nothing says who its supervisor is: it is waited for, as if it were starting, then found.
@test "a sandbox whose supervisor is named nowhere is destroyed all the same" {
  require userns
  local handle
  handle=$(sandpit create -p local)
  rm "$SANDPIT_STATE_DIR/local/${handle#*:}/init"
  sandpit destroy "$handle"
  [ "$(sandpit list -p local --json)" = "[]" ]
}
