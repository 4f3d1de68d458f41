#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Much output, and commands that do not want to end: no memory, no byte lost, no deadline
# missed.
load helper

setup() {
  require userns
  make_world
  mkdir -m 755 "$W/bin"
  cp "$B/tests/helpers/defiant" "$W/bin/"
  chmod 755 "$W/bin/defiant"
  mounts=(-p local -v "$W/bin:/defiant" -e "MARK=$W")
}

teardown() {
  sandpit destroy -p local --all || :
  remove_world
}

# Run COMMAND... and print the peak of its resident memory, KiB, to $W/peak.
measured() {
  /usr/bin/time -f %M -o "$W/peak" -- "$@"
}

peak_below() { # KIB
  local peak
  peak=$(tail -n 1 "$W/peak")
  echo "# peak resident memory of sandpit: $peak KiB" >&3
  [ "$peak" -lt "$1" ]
}

# What a gigabyte took, told beside the tests.
rate() { # BYTES MICROSECONDS
  echo "# $(($1 / $2)) MB/s" >&3
}

GIB=$((1 << 30))

@test "a flood of a gigabyte costs no memory and loses no byte" {
  require tool /usr/bin/time
  local from=${EPOCHREALTIME/./} count
  count=$(measured sandpit run -p local -- head -c "$GIB" /dev/zero | wc -c)
  rate "$GIB" $((${EPOCHREALTIME/./} - from))
  [ "$count" = "$GIB" ]
  peak_below 32768
}

@test "a flood on standard error costs no memory and loses no byte" {
  require tool /usr/bin/time
  local count
  count=$(measured sandpit run -p local "head -c 200000000 /dev/zero >&2" 2>&1 | wc -c)
  [ "$count" = 200000000 ]
  peak_below 32768
}

@test "a flood from a sandbox that is kept costs no memory and loses no byte" {
  require tool /usr/bin/time
  local handle count from
  handle=$(sandpit create -p local)
  from=${EPOCHREALTIME/./}
  count=$(measured sandpit exec "$handle" -- head -c "$GIB" /dev/zero | wc -c)
  rate "$GIB" $((${EPOCHREALTIME/./} - from))
  [ "$count" = "$GIB" ]
  peak_below 32768
}

@test "a flood that nobody reads stops, and costs no memory" {
  require tool /usr/bin/time
  mkfifo "$W/slow"
  exec 7<>"$W/slow" # somebody has it open, nobody reads
  local status=0
  measured sandpit run -p local -t 1 -- cat /dev/zero >"$W/slow" 2>"$W/err" 3>&- 7>&- &
  local pid=$!
  wait_until 15 eval "! kill -0 $pid 2>/dev/null"
  wait "$pid" || status=$?
  exec 7>&-
  [ "$status" = 124 ]
  peak_below 32768
}

@test "with --json a flood is cut at the limit and not kept in memory" {
  require tool /usr/bin/time
  measured sandpit run -p local --json "yes | head -c 300000000" >"$W/out.json"
  [ "$(json '["stdout_truncated"]' <"$W/out.json")" = true ]
  peak_below 600000
}

@test "a megabyte of random bytes is the same on both sides" {
  head -c 1048576 /dev/urandom >"$W/random"
  local want got inside
  want=$(sha256sum <"$W/random")
  got=$(sandpit run -p local -I -- cat <"$W/random" | sha256sum)
  [ "$got" = "$want" ]
  inside=$(sandpit run -p local -I -- sha256sum <"$W/random")
  [ "$inside" = "$want" ]
  sandpit run -p local -I "tee /dev/stderr" <"$W/random" 2>"$W/err" | cmp - "$W/random"
  cmp "$W/err" "$W/random"
}

@test "a hundred megabytes go in and come out again while both are streamed" {
  require tool /usr/bin/time
  local from=${EPOCHREALTIME/./} want=104857600 got
  got=$(head -c "$want" /dev/zero | measured sandpit run -p local -I -- cat | wc -c)
  rate "$want" $((${EPOCHREALTIME/./} - from))
  [ "$got" = "$want" ]
  peak_below 32768
}

@test "input that a command does not read does not hold it up" {
  run -0 sandpit run -p local -I -- true < <(cat /dev/zero)
}

@test "input that never ends does not hold the end up" {
  mkfifo "$W/silent"
  exec 7<>"$W/silent"
  run -0 --separate-stderr sandpit run -p local -I -- echo done <"$W/silent"
  exec 7>&-
  [ "$output" = done ]
}

# --- Deadlines ---------------------------------------------------------------------------
none_left() {
  ! grep -lzxF "MARK=$W" /proc/[0-9]*/environ 2>/dev/null | grep -q .
}

# COMMAND... has a deadline of one second: at the end of it, and within one more, it is 124
# and nothing of it runs.
ends_at_deadline() {
  local from=${EPOCHREALTIME/./} took status=0
  "$@" >/dev/null 2>"$W/err" 3>&- || status=$?
  took=$((${EPOCHREALTIME/./} - from))
  echo "# status $status after $((took / 1000)) ms" >&3
  [ "$status" = 124 ]
  [ "$took" -ge 1000000 ]
  [ "$took" -lt 2000000 ]
  wait_until 1 none_left
}

run_defiant() {
  ends_at_deadline sandpit run "${mounts[@]}" -t 1 -- /defiant/defiant "$1"
}

exec_defiant() {
  local handle
  handle=$(sandpit create -p local -v "$W/bin:/defiant")
  ends_at_deadline sandpit exec -t 1 -e "MARK=$W" "$handle" -- /defiant/defiant "$1"
  # The deadline was the command's, not the sandbox's.
  [ "$(sandpit exec "$handle" "echo here")" = here ]
}

@test "a run that ignores signals is gone at its deadline" { run_defiant ignore; }
@test "an exec that ignores signals is gone at its deadline" { exec_defiant ignore; }

@test "a run that forks into a session of its own is gone at its deadline" { run_defiant daemon; }
@test "an exec that forks into a session of its own is gone at its deadline" { exec_defiant daemon; }

@test "a run that closes its streams is gone at its deadline" { run_defiant close; }
@test "an exec that closes its streams is gone at its deadline" { exec_defiant close; }

@test "a run that writes for ever is gone at its deadline" { run_defiant write; }
@test "an exec that writes for ever is gone at its deadline" { exec_defiant write; }

# As many as the limit lets it have compete for the processor with their own end.
@test "a run that forks for ever is gone at its deadline" {
  ends_at_deadline sandpit run "${mounts[@]}" --pids 64 -t 1 -- /defiant/defiant fork
}

@test "a run that forks for ever, with the default limit, is gone soon after its deadline" {
  local status=0
  sandpit run "${mounts[@]}" -t 1 -- /defiant/defiant fork >/dev/null 2>&1 3>&- || status=$?
  [ "$status" = 124 ]
  none_left
}

# Where its tree outruns us the sandbox goes with it; the command is gone either way.
@test "an exec that forks for ever is gone at its deadline" {
  local handle status=0
  handle=$(sandpit create -p local -v "$W/bin:/defiant" --pids 64)
  sandpit exec -t 1 -e "MARK=$W" "$handle" -- /defiant/defiant fork >/dev/null 2>&1 3>&- || status=$?
  [ "$status" = 124 ]
  wait_until 5 none_left
}

@test "a background process that holds the output open delays nothing" {
  local from=${EPOCHREALTIME/./}
  run -0 sandpit run -p local "sleep 1000 & echo started"
  [ "$output" = started ]
  [ $((${EPOCHREALTIME/./} - from)) -lt 3000000 ]
}

@test "a background process of an exec that holds the output open delays nothing" {
  local handle from
  handle=$(sandpit create -p local)
  from=${EPOCHREALTIME/./}
  run -0 sandpit exec "$handle" "sleep 1000 & echo started"
  [ "$output" = started ]
  [ $((${EPOCHREALTIME/./} - from)) -lt 4000000 ]
}

@test "a reader that is slow does not hold up the kill" {
  mkfifo "$W/slow"
  exec 7<>"$W/slow"
  local from=${EPOCHREALTIME/./} status=0
  sandpit run "${mounts[@]}" -t 1 -- /defiant/defiant write >"$W/slow" 2>/dev/null 3>&- 7>&- &
  local pid=$!
  running() { ! none_left; }
  wait_until 5 running
  # Inside it is over at the deadline, whether or not anybody reads.
  wait_until 3 none_left
  [ $((${EPOCHREALTIME/./} - from)) -lt 2500000 ]
  wait_until 10 eval "! kill -0 $pid 2>/dev/null"
  wait "$pid" || status=$?
  exec 7>&-
  [ "$status" = 124 ]
}
