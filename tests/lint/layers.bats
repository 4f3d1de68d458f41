#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

setup() {
  tree=$(mktemp -d)
  mkdir -p "$tree"/{include,base,images,engine,runtime,providers/local,providers/docker,sandbox,cli}
}

teardown() {
  rm -rf "$tree"
}

put() { # FILE INCLUDED
  printf '#include <stdio.h>\n#include "%s"\n' "$2" >"$tree/$1"
}

layers() {
  run tests/lint/layers.sh "$tree"
}

@test "this tree keeps the order of layers" {
  run tests/lint/layers.sh
  [ "$output" = "" ]
  [ "$status" -eq 0 ]
}

@test "an include to the left is fine" {
  put cli/main.c sandbox/sandbox.h
  put base/io.c include/sandpit.h
  put providers/docker/driver.c engine/engine.h
  layers
  [ "$status" -eq 0 ]
}

@test "an include to the right is caught, with file and line" {
  put base/io.c runtime/launch.h
  layers
  [ "$status" -ne 0 ]
  [[ "$output" == *"base/io.c:2: base must not include runtime/launch.h"* ]]
}

@test "an include of a neighbour is caught" {
  put images/store.c engine/engine.h
  layers
  [ "$status" -ne 0 ]
}

@test "a driver must not see another driver, nor the registry above it" {
  put providers/local/driver.c providers/docker/driver.h
  layers
  [ "$status" -ne 0 ]
  put providers/local/driver.c providers/registry.h
  layers
  [ "$status" -ne 0 ]
}

@test "a header without its folder is caught" {
  put base/io.c error.h
  layers
  [ "$status" -ne 0 ]
}
