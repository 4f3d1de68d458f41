#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The runner itself: a suite that cannot fail proves nothing.
# shellcheck disable=SC2016 # the files written here expand later

setup() {
  tree=$(mktemp -d)
  mkdir -p "$tree/tests/system" "$tree/build/tests/helpers"
  cp tests/check.sh tests/run-one "$tree/tests/"
  cp -r tests/helpers "$tree/tests/"
  cp "$B/tests/helpers/reaper" "$tree/build/tests/helpers/"
}

teardown() {
  rm -rf "$tree"
}

test_file() { # the text of a bats file on standard input
  { echo 'load ../helpers/require.bash'; cat; } >"$tree/tests/system/sample.bats"
}

# As a user would, not as part of the run we are in.
check() {
  run env -u SP_REQUIRE -u SP_TEST_WORDS B="$tree/build" "$@" "$tree/tests/check.sh" sample
}

@test "what passes is counted on the last line" {
  test_file <<<'@test "good" { true; }'
  check
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = "1 passed, 0 failed, 0 skipped" ]
}

@test "what fails is shown and makes the run fail" {
  test_file <<<'@test "bad" { echo because; false; }'
  check
  [ "$status" -ne 0 ]
  [[ "$output" == *because* ]]
  [ "${lines[-1]}" = "0 passed, 1 failed, 0 skipped" ]
}

@test "a skip is counted and listed with its reason" {
  test_file <<<'@test "cannot" { skip_for userns "not here"; }'
  check
  [ "$status" -eq 0 ]
  [[ "$output" == *"skipped: system-sample: cannot: userns: not here"* ]]
  [ "${lines[-1]}" = "0 passed, 0 failed, 1 skipped" ]
}

@test "SP_REQUIRE makes that skip a failure, and no other" {
  test_file <<<'@test "cannot" { skip_for userns "not here"; }'
  check SP_REQUIRE=docker,userns
  [ "$status" -ne 0 ]
  [ "${lines[-1]}" = "0 passed, 1 failed, 0 skipped" ]
  check SP_REQUIRE=docker
  [ "$status" -eq 0 ]
}

@test "a process left behind is named, ended and fails the run" {
  test_file <<<'@test "leaves" { (setsid sleep 7654 >/dev/null 2>&1 3>&- &); }'
  check
  [ "$status" -ne 0 ]
  [[ "$output" == *"left behind: process "*"(sleep)"* ]]
  run pgrep -f 'sleep 7654'
  [ "$status" -ne 0 ]
}

@test "a file left behind fails the run and is removed" {
  test_file <<<'@test "leaves" { touch "$TMPDIR/rubbish"; echo "$TMPDIR" >"$BATS_TEST_DIRNAME/where"; }'
  check
  [ "$status" -ne 0 ]
  [[ "$output" == *"temporary file "*"/rubbish"* ]]
  [ ! -e "$(cat "$tree/tests/system/where")" ]
}

@test "a test that does not end is ended, and that is a failure" {
  test_file <<<'@test "hangs" { sleep 7655; }'
  check SP_TEST_SECONDS=2
  [ "$status" -ne 0 ]
  [[ "$output" == *"not ended after 2 s"* ]]
}

@test "nothing of the caller's home or engine is seen by a test" {
  test_file <<<'@test "own" { [ -z "${DOCKER_HOST-}" ] && [[ $HOME == /tmp/sandpit-check.* ]]; }'
  check DOCKER_HOST=unix:///nowhere
  [ "$status" -eq 0 ]
}

@test "a name no test has is an error" {
  run env B="$B" tests/check.sh no-such-test
  [ "$status" -ne 0 ]
  [[ "$output" == *"no test is named 'no-such-test'"* ]]
}
