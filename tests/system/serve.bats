#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The supervisor of a kept sandbox serves commands: fast, many at once, and whatever dies.
# shellcheck disable=SC2154 # run sets stderr
# shellcheck disable=SC2317 # functions that wait_until calls
load helper

setup() {
  require userns
  make_world
}

teardown() {
  timeout 20 sandpit destroy -p local --all || :
  remove_world
}

state_of() { # HANDLE
  echo "$W/state/local/${1#local:}"
}

supervisor_of() { # HANDLE
  cut -d' ' -f1 "$(state_of "$1")/init"
}

init_of() { # HANDLE
  cut -d' ' -f3 "$(state_of "$1")/init"
}

# What a supervisor has besides process 1: those that serve a command, or wait for one.
servers_of() { # HANDLE
  pgrep -P "$(supervisor_of "$1")" | grep -vx "$(init_of "$1")"
}

has_servers() { # COUNT HANDLE
  [ "$(servers_of "$2" | wc -l)" -eq "$1" ]
}

descriptors_of() { # HANDLE
  find "/proc/$(supervisor_of "$1")/fd" -mindepth 1 2>/dev/null | wc -l
}

# A supervisor at rest has one spare; then nothing of a command is left in it.
at_rest() { # HANDLE
  has_servers 1 "$1"
}

@test "a supervisor keeps nothing of the commands it served" {
  local handle before
  handle=$(sandpit create -p local)
  sandpit exec "$handle" true
  wait_until 20 at_rest "$handle"
  before=$(descriptors_of "$handle")
  for i in {1..30}; do sandpit exec "$handle" true; done
  for i in {1..5}; do sandpit exec -u 1000 "$handle" true || sandpit exec "$handle" true; done
  wait_until 20 at_rest "$handle"
  [ "$(descriptors_of "$handle")" -eq "$before" ]
}

@test "two hundred commands at once each get their own answer" {
  local handle pids=()
  handle=$(sandpit create -p local --pids 2000)
  for i in {1..200}; do
    sandpit exec "$handle" echo "$i" >"$W/out.$i" 2>&1 3>&- &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  for i in {1..200}; do [ "$(cat "$W/out.$i")" = "$i" ]; done
}

# In the folder, since its path may be longer than an address can be.
talk() { # HANDLE PYTHON
  (cd "$(state_of "$1")" && timeout 20 python3 -c "
import array, os, socket, struct
def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect('control')
    s.settimeout(10)
    return s
def send(s, data, fds=[]):
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [])
def request(kind, flags=0, value=0, magic=0x73706331):
    return struct.pack('<IIIIq', magic, 24, kind, flags, value)
def is_failure(s):
    return struct.unpack('<I', s.recv(65536)[:4])[0] == 3
$2")
}

@test "what makes no sense is refused, and who says nothing is dropped" {
  local handle before
  handle=$(sandpit create -p local)
  sandpit exec "$handle" true
  wait_until 20 at_rest "$handle"
  before=$(descriptors_of "$handle")
  talk "$handle" "
null = os.open('/dev/null', os.O_RDWR)
for data, fds in [(b'', 0), (b'x', 0), (b'x' * 5000, 0), (request(1), 0), (request(1), 9),
                  (request(7), 0), (request(2, 0, -1), 0), (request(2), 1),
                  (request(1, 0, 0, 1), 4), (b'y' * 24, 5)]:
    s = connect()
    send(s, data or b'z', [null] * fds)
    assert is_failure(s), data
# Streams that are none, a specification that is none: found out by the command's own server.
s = connect()
send(s, request(1), [null] * 4)
assert is_failure(s)
quiet = [connect() for _ in range(300)]
for s in quiet[:100]: s.close()
"
  [ "$(sandpit exec "$handle" echo on)" = on ]
  wait_until 20 at_rest "$handle"
  back() { [ "$(descriptors_of "$handle")" -eq "$before" ]; }
  wait_until 20 back
}

@test "a caller that is killed takes its command along, and nothing else" {
  local handle pid
  handle=$(sandpit create -p local)
  command sandpit exec "$handle" sleep 1000 >/dev/null 2>&1 3>&- &
  pid=$!
  sleeps() { sandpit exec "$handle" sh -c 'cat /proc/[0-9]*/comm' 2>/dev/null | grep -qx sleep; }
  wait_until 20 sleeps
  kill -9 "$pid"
  wait "$pid" || :
  no_sleep() { ! sleeps; }
  wait_until 20 no_sleep
  [ "$(sandpit exec "$handle" echo on)" = on ]
}

@test "kill -9 of a command's server is told, and the sandbox goes on" {
  local handle pid status=0
  handle=$(sandpit create -p local)
  command sandpit exec "$handle" sleep 1000 >"$W/out" 2>&1 3>&- &
  pid=$!
  wait_until 20 has_servers 2 "$handle"
  # shellcheck disable=SC2046
  kill -9 $(servers_of "$handle")
  wait "$pid" || status=$?
  [ "$status" -eq 125 ]
  [ "$(sandpit exec "$handle" echo on)" = on ]
}

@test "a spare that is killed, from outside or inside, is not missed" {
  local handle
  handle=$(sandpit create -p local)
  for i in {1..8}; do
    sandpit exec "$handle" true
    wait_until 20 at_rest "$handle"
    # shellcheck disable=SC2046
    kill -9 $(servers_of "$handle")
    wait_until 20 has_servers 0 "$handle"
    [ "$(sandpit exec "$handle" echo "$i")" = "$i" ]
    # Inside it kills all it can see; the next command still runs.
    sandpit exec "$handle" sh -c 'kill -9 -1' || :
    run sandpit exec "$handle" echo "$i"
    [ "$output" = "$i" ] || [ "$(sandpit exec "$handle" echo "$i")" = "$i" ]
  done
}

@test "those who wait for a command are told when the sandbox is destroyed" {
  local handle pid status=0
  handle=$(sandpit create -p local)
  command sandpit exec "$handle" sleep 1000 >/dev/null 2>&1 3>&- &
  pid=$!
  wait_until 20 has_servers 2 "$handle"
  timeout 5 sandpit destroy "$handle"
  wait "$pid" || status=$?
  [ "$status" -eq 137 ]
  no_state() { [ ! -e "$(state_of "$handle")" ]; }
  wait_until 20 no_state
}

@test "the time to live of a running sandbox changes both ways" {
  local longer clock shorter
  longer=$(sandpit create -p local --ttl 1)
  clock=$(sandpit create -p local --ttl 1.2)
  shorter=$(sandpit create -p local)
  sandpit timeout "$longer" 0
  sandpit timeout "$shorter" 0.5
  [[ $(sandpit inspect "$longer") != *expires_ms* ]]
  [[ $(sandpit inspect "$shorter") == *expires_ms* ]]
  gone() { ! sandpit inspect "$1" >/dev/null 2>&1; }
  wait_until 20 gone "$shorter"
  wait_until 20 gone "$clock" # made later than the first, for longer
  [ "$(sandpit exec "$longer" echo on)" = on ]
}

@test "the time to live is in seconds, and of a sandbox that is there" {
  local handle
  handle=$(sandpit create -p local)
  run --separate-stderr sandpit timeout "$handle" soon
  [ "$status" -eq 125 ]
  [[ "$stderr" == *'"soon" is not a number'* ]]
  run --separate-stderr sandpit timeout local:sb-0123456789 5
  [ "$status" -eq 125 ]
  [[ "$stderr" == *"no sandbox"* ]]
}

@test "a command of an ordinary user inside does not get a place made for root" {
  require root
  local handle
  handle=$(sandpit create -p local)
  sandpit exec "$handle" true
  wait_until 20 at_rest "$handle"
  [ "$(sandpit exec -u 1000:1001 "$handle" sh -c 'id -u; id -g; grep CapEff /proc/self/status')" = \
    "$(printf '1000\n1001\nCapEff:\t0000000000000000')" ]
  [ "$(sandpit exec "$handle" id -u)" = 0 ]
}

# What is prepared ahead has no more, and no less, than what is not.
confinement() { # HANDLE
  sandpit exec "$1" sh -c 'grep -E "^(Cap|Seccomp|NoNew|Uid|Gid|Groups|Sig[BI])" /proc/self/status
    ls -l /proc/self/fd | wc -l; umask; pwd; env | sort; cat /proc/self/limits
    grep -c . /proc/self/cgroup; cat /proc/self/cgroup | cut -d: -f3 | sort -u'
}

@test "a command that found a place prepared is confined like one that did not" {
  local handle
  for profile in default strict; do
    handle=$(sandpit create -p local --seccomp "$profile")
    confinement "$handle" >"$W/cold"
    wait_until 20 at_rest "$handle"
    confinement "$handle" >"$W/warm"
    diff "$W/cold" "$W/warm"
  done
}

@test "all of it works for an ordinary user" {
  require rootless
  local handle
  copy_programs
  chown -R 65534:65534 "$W"/{home,state,run,config,cache}
  handle=$(as_user sandpit create -p local)
  for i in 1 2 3; do [ "$(as_user sandpit exec "$handle" echo "$i")" = "$i" ]; done
  as_user sandpit timeout "$handle" 0.5
  gone() { ! as_user sandpit inspect "$handle" >/dev/null 2>&1; }
  wait_until 20 gone
}
