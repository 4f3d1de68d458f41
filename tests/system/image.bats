#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A folder as the image of the local provider: it is the root, it stays as it is, and its
# links lead nowhere.
load helper

setup() {
  require userns
  make_world
  make_image
}

teardown() {
  sandpit destroy -p local --all || :
  remove_world
}

# The host's own shell and tools with the libraries they ask for.
make_image() {
  local program library
  I=$W/image
  mkdir -p "$I"/{bin,etc,opt}
  for program in sh ls cat ln stat; do
    cp -L "$(type -P "$program")" "$I/bin/"
    ldd "$(type -P "$program")" | grep -o '/[^ ]*' | while read -r library; do
      mkdir -p "$I${library%/*}"
      cp -L "$library" "$I$library"
    done
  done
  echo original >"$I/etc/data"
  chmod -R go+rX "$I"
}

in_image() {
  sandpit run -p local -i "$I" -- /bin/sh -c "$1"
}

@test "an image folder is the root, and nothing of the host lies on it" {
  run -0 in_image 'stat -c %d:%i / /.. /../..'
  [ "$(sort -u <<<"$output" | wc -l)" = 1 ]
  run -0 in_image 'ls -a /.. | cat'
  [[ $output == *workspace* && $output != *boot* ]]
  run -0 sandpit exec "$(sandpit create -p local -i "$I")" /bin/ls /..
  [[ $output == *workspace* && $output != *boot* ]]
}

@test "what is written stays in the sandbox" {
  run -0 in_image 'echo changed >/etc/data; echo new >/opt/new; cat /etc/data /opt/new'
  [ "$output" = $'changed\nnew' ]
  [ "$(cat "$I/etc/data")" = original ]
  [ ! -e "$I/opt/new" ]
}

@test "a link where a folder of ours belongs is refused by its name" {
  local name
  for name in etc var; do
    rm -rf "${I:?}/$name"
    ln -s "$W" "$I/$name"
    run -125 in_image true
    [[ $output == *"\"$name\" is a link"* ]]
    rm "$I/$name"
  done
  [ -z "$(find "$W" -maxdepth 1 \( -name passwd -o -name hosts -o -name tmp \))" ]
}

@test "a link for /proc or /dev is refused, and leads nowhere" {
  local name
  for name in proc dev; do
    mkdir "$W/target"
    ln -s "$W/target" "$I/$name"
    run -125 in_image true
    [[ $output == *"$name"* ]]
    [ -z "$(ls -A "$W/target")" ]
    rm "$I/$name"
    rmdir "$W/target"
  done
}

@test "a mount is at its target, read-only unless asked otherwise" {
  mkdir "$W/shared"
  echo inside >"$W/shared/file"
  run -0 sandpit run -p local -i "$I" -v "$W/shared:/opt/shared" -- /bin/sh -c \
    'cat /opt/shared/file; echo x 2>/dev/null >/opt/shared/file || echo refused'
  [ "$output" = $'inside\nrefused' ]
  run -0 sandpit run -p local -i "$I" -v "$W/shared:/opt/shared:rw" -- /bin/sh -c \
    'echo back >/opt/shared/new'
  [ "$(cat "$W/shared/new")" = back ]
  [ "$(stat -c %u "$W/shared/new")" = "$(id -u)" ]
}

@test "a mount whose owners cannot be mapped says so in the record" {
  require root
  h=$(sandpit create -p local -v /proc/sys/kernel:/opt/kernel)
  run -0 sandpit inspect "$h"
  [[ $output == *'"mount owners":"degraded: '* ]]
  mkdir "$W/shared"
  h=$(sandpit create -p local -v "$W/shared:/opt/shared")
  run -0 sandpit inspect "$h"
  [[ $output == *'"mount owners":"enforced"'* ]]
}
