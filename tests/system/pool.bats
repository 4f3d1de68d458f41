#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Pools of prepared sandboxes: each is handed out once, whoever asks and whatever dies.
# shellcheck disable=SC2154 # run sets stderr
load helper

setup() {
  require userns
  make_world
}

teardown() {
  timeout 20 sandpit pool drain -p local --all || :
  timeout 20 sandpit destroy -p local --all || :
  wait_until 20 no_refill || :
  remove_world
}

# A filler in the background belongs to this test if it has our state as its argument.
no_refill() {
  ! pgrep -f "^[^ ]*sandpit-refill $W/" >/dev/null
}

fill() {
  sandpit pool fill -p local "$@"
}

pool() { # KEY
  sandpit pool list -p local --json | json "[0]['$1']"
}

is_ready() { # COUNT
  [ "$(pool ready)" -eq "$1" ]
}

prepared() {
  ls "$W"/state/pools/*/ready
}

nothing_left() {
  no_refill && [ -z "$(find "$W"/state/{local,ids,pools} -mindepth 1 2>/dev/null)" ]
}

@test "run takes one that is there, and the pool is filled again" {
  local before
  fill --size 2
  before=$(prepared)
  [ "$(sandpit run -p local 'echo hi; touch /tmp/was-here')" = hi ]
  [ "$(pool taken)" -eq 1 ]
  wait_until 20 is_ready 2
  [ "$(prepared)" != "$before" ]
  # Never the same again: what one run wrote no other sees.
  for i in {1..4}; do sandpit run -p local '! test -e /tmp/was-here && touch /tmp/was-here'; done
}

@test "the command ends as it would in one of its own" {
  fill --size 6
  run --separate-stderr sandpit run -p local 'echo out; echo err >&2; exit 7'
  [ "$status" -eq 7 ]
  [ "$output" = out ]
  [ "$stderr" = err ]
  run sandpit run -p local -t 0.3 sleep 1000
  [ "$status" -eq 124 ]
  run --separate-stderr sandpit run -p local 'sleep 1000 & echo started'
  [ "$output" = started ]
  [ "$(echo data | sandpit run -p local cat)" = data ]
  [ "$(pool taken)" -eq 4 ]
  [ "$(pool missed)" -eq 0 ]
  none_runs() { [ "$(sandpit list -p local --json)" = "[]" ]; }
  wait_until 20 none_runs
}

@test "create takes one, with labels and time to live of its own" {
  local handle
  fill --size 1
  handle=$(sandpit create -p local -l who=me --ttl 77)
  [ "$(sandpit inspect "$handle" | json "['pool']")" = "$(pool name)" ]
  [ "$(sandpit inspect "$handle" | json "['labels']['who']")" = me ]
  [ "$(sandpit inspect "$handle" | python3 -c 'import json, sys; v = json.load(sys.stdin); print(v["expires_ms"] - v["created_ms"])')" -eq 77000 ]
  [ "$(sandpit list -p local -l who=me --json | json "[0]['id']")" = "${handle#local:}" ]
  [ "$(sandpit exec "$handle" echo on)" = on ]
  [ "$(pool taken)" -eq 1 ]
}

@test "eight that ask at once get eight different ones" {
  fill --size 5
  for i in {1..8}; do
    sandpit create -p local >"$W/handle.$i" 3>&- &
  done
  wait
  [ "$(sort -u "$W"/handle.* | wc -l)" -eq 8 ]
  for i in {1..8}; do [ "$(sandpit exec "$(cat "$W/handle.$i")" echo "$i")" = "$i" ]; done
  [ "$(pool taken)" -ge 5 ]
  [ "$(($(pool taken) + $(pool missed)))" -eq 8 ]
}

@test "other options are another pool's" {
  fill --size 1 -e A=1 --memory 64m
  [ "$(sandpit run -p local -e A=1 --memory 64m printenv A)" = 1 ]
  [ "$(pool taken)" -eq 1 ]
  sandpit run -p local true
  sandpit run -p local -e A=2 --memory 64m true
  [ "$(pool taken)" -eq 1 ]
  [ "$(pool missed)" -eq 0 ]
}

@test "those that wait are not listed, and drain leaves nothing of them" {
  fill --size 3
  [ "$(sandpit list -p local --json)" = "[]" ]
  [ "$(prepared | wc -l)" -eq 3 ]
  sandpit pool drain -p local "$(pool name)"
  wait_until 20 nothing_left
  [ "$(sandpit pool list -p local --json)" = "[]" ]
  run --separate-stderr sandpit pool drain -p local pool-0
  [ "$status" -eq 125 ]
  [[ "$stderr" == *"no pool pool-0"* ]]
}

@test "one that died waiting is never handed out" {
  local id
  fill --size 3
  for id in $(prepared); do
    kill -9 "$(cut -d' ' -f1 "$W/state/local/$id/init")"
  done
  [ "$(sandpit run -p local echo hi)" = hi ]
  [ "$(pool missed)" -eq 1 ]
  wait_until 20 is_ready 3
  # Its process 1 died: the supervisor is about to clean up.
  for id in $(prepared); do
    kill -9 "$(cut -d' ' -f3 "$W/state/local/$id/init")"
  done
  [ "$(sandpit run -p local echo hi)" = hi ]
}

@test "those that nobody takes end by themselves" {
  fill --size 2 --max-idle 0.5
  wait_until 20 is_ready 0
  [ -z "$(ls "$W/state/local")" ]
}

@test "a pool whose time is over is not filled again" {
  fill --size 1 --ttl 0.01
  for i in 1 2; do sandpit run -p local true; done
  wait_until 20 no_refill
  is_ready 0
}

@test "what cannot be held ready is refused" {
  run --separate-stderr fill --size 5000
  [ "$status" -eq 125 ]
  run --separate-stderr fill -l a=b
  [ "$status" -eq 125 ]
  run --separate-stderr fill --ttl 0
  [ "$status" -eq 125 ]
  run --separate-stderr sandpit pool
  [ "$status" -eq 125 ]
  [ ! -e "$W/state/pools" ] || [ -z "$(ls "$W/state/pools")" ]
}

@test "kill -9 of takers and fillers at any moment leaves nothing that drain and destroy do not remove" {
  local pid
  [ -p "$W/never" ] || mkfifo "$W/never"
  RANDOM=4711
  fill --size 3
  for i in {1..24}; do
    case $((i % 4)) in
    0) command sandpit pool fill -p local --size 3 >/dev/null 2>&1 3>&- & ;;
    1) command sandpit create -p local >/dev/null 2>&1 3>&- & ;;
    2) command sandpit run -p local sleep 1000 >/dev/null 2>&1 3>&- & ;;
    3) command sandpit run -p local true >/dev/null 2>&1 3>&- & ;;
    esac
    pid=$!
    read -rt "$(printf '0.%06d' $((RANDOM % 12000)))" <>"$W/never" || :
    kill -9 "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
    [ $((i % 6)) -ne 0 ] || pkill -9 -f "^[^ ]*sandpit-refill $W/" || :
  done
  [ "$(sandpit run -p local echo hi)" = hi ]
  wait_until 20 no_refill
  timeout 20 sandpit pool drain -p local --all
  timeout 20 sandpit destroy -p local --all
  sandpit list -p local # a claim of ids whose sandbox never came to be is removed
  wait_until 20 nothing_left || { ls -lR "$W/state"; false; }
}

@test "an ordinary user has pools as well" {
  require rootless
  copy_programs
  chown -R 65534:65534 "$W"/{home,state,run,config,cache}
  as_user sandpit pool fill -p local --size 2
  [ "$(as_user sandpit run -p local echo hi)" = hi ]
  [ "$(as_user sandpit pool list -p local --json | json "[0]['taken']")" -eq 1 ]
  two() { [ "$(as_user sandpit pool list -p local --json | json "[0]['ready']")" -eq 2 ]; }
  wait_until 20 two
  as_user sandpit pool drain -p local --all
}
