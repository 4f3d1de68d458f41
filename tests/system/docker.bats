#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What only the docker provider has to show, on a real engine.

load helper
load ../helpers/dockerd.sh

setup_file() {
  local reason
  export P=docker AS_USER=''
  make_world
  ! reason=$(dockerd_missing) || skip_for docker "${reason#docker: }"
  dockerd_start
}

teardown_file() {
  dockerd_stop
  remove_world
}

setup() {
  export P=docker AS_USER=''
  mkdir "$W/files"
}

teardown() {
  [ -z "${SERVER-}" ] || kill "$SERVER" 2>/dev/null || :
  sandpit destroy -p docker --all
  rm -rf "$W/files"
}

container_of() { # HANDLE
  echo "sandpit-${1#docker:}"
}

# One value the engine tells of a sandbox: engine_json HANDLE '["HostConfig"]["Memory"]'.
engine_json() {
  dockerd_api GET "/containers/$(container_of "$1")/json" | json "$2"
}

containers() {
  dockerd_api GET '/containers/json?all=1' | json '.__len__()'
}

no_containers() {
  [ "$(containers)" = 0 ]
}

# The commands of all processes inside but those that look.
processes_in() { # HANDLE
  dockerd_api GET "/containers/$(container_of "$1")/top?ps_args=-eo%20pid,args" |
    python3 -c 'import json,sys; print("\n".join(p[1] for p in json.load(sys.stdin)["Processes"]))'
}

only_the_keeper_runs_in() {
  [ "$(processes_in "$1")" = "$(processes_in "$1" | grep -x '/.sandpit/agent keep [0-9]*')" ]
}

# A server on a Unix socket that sends TEXT to everybody, reads, and hangs up unless told
# to hold on.
serve() { # SOCKET TEXT [hold]
  python3 - "$@" <<'PY' 3>&- &
import os, socket, sys
text = sys.argv[2].encode().decode("unicode_escape").encode("latin-1")
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + ".new")
s.listen(8)
os.rename(sys.argv[1] + ".new", sys.argv[1])
kept = []
while True:
    c, _ = s.accept()
    c.recv(65536)
    c.sendall(text)
    if len(sys.argv) > 3:
        kept.append(c)
    else:
        c.close()
PY
  SERVER=$!
  wait_until 20 test -S "$1"
}

# --- The default image ---------------------------------------------------------------------

@test "the default image is made once, also when three ask at once" {
  for i in 1 2 3; do
    sandpit run -p docker echo "$i" >"$W/files/$i" &
    pids[i]=$!
  done
  for i in 1 2 3; do wait "${pids[i]}"; done
  [ "$(cat "$W"/files/[123])" = $'1\n2\n3' ]
  [ "$(dockerd_api GET '/images/json?all=1' | json '.__len__()')" = 1 ]
  before=$(dockerd_api GET '/images/json' | json '[0]["Id"]')
  sandpit run -p docker true
  [ "$(dockerd_api GET '/images/json' | json '[0]["Id"]')" = "$before" ]
}

@test "the default image has the tools and nothing of this machine's own" {
  run sprun 'for p in bash python3 git awk tar sed grep; do command -v $p >/dev/null || echo no $p; done
    python3 -c "import ssl, sqlite3, ctypes, zlib, json, socket, subprocess"
    git init -q /tmp/x && cd /tmp/x && git -c user.name=a -c user.email=b commit -q --allow-empty -m m && git log --format=%s
    cat /etc/passwd | cut -d: -f1; ls -A /root /srv /var/lib /etc/ssh /usr/share/doc 2>&1 | grep -v : '
  [ "$status" -ne 125 ]
  [ "$output" = $'m\nroot\nsandbox\nnobody' ]
}

@test "programs of the default image have no set-id bits" {
  run sprun 'find / -xdev -perm /6000 -type f'
  [ "$output" = "" ]
}

# --- Hardening -----------------------------------------------------------------------------

@test "a sandbox is hardened, as the engine tells" {
  h=$(new_sandbox)
  while read -r want what; do
    [ "$(engine_json "$h" "$what")" = "$want" ] || { echo "$what is not $want"; false; }
  done <<'EOF'
["ALL"] ["HostConfig"]["CapDrop"]
none ["HostConfig"]["NetworkMode"]
1073741824 ["HostConfig"]["Memory"]
1073741824 ["HostConfig"]["MemorySwap"]
512 ["HostConfig"]["PidsLimit"]
500 ["HostConfig"]["OomScoreAdj"]
false ["HostConfig"]["Privileged"]
none ["HostConfig"]["LogConfig"]["Type"]
["no-new-privileges"] ["HostConfig"]["SecurityOpt"]
false ["Mounts"][0]["RW"]
EOF
}

@test "a sandbox is hardened, as seen from inside" {
  run sprun 'grep -E "^(CapPrm|CapBnd|CapInh|CapAmb|NoNewPrivs|Seccomp):" /proc/self/status | tr -d "\t"
    ls /sys/class/net; ulimit -n; ulimit -Hc; cat /proc/self/oom_score_adj'
  [ "$output" = $'CapInh:0000000000000000\nCapPrm:00000000000405fb\nCapBnd:00000000000405fb\nCapAmb:0000000000000000\nNoNewPrivs:1\nSeccomp:2\nlo\n1024\n0\n500' ]
}

@test "exec is as hardened as the sandbox" {
  h=$(new_sandbox)
  run sandpit exec "$h" 'grep -E "^(CapPrm|NoNewPrivs|Seccomp):" /proc/self/status | tr -d "\t"; mknod /tmp/d b 8 0 2>&1 || echo refused'
  [[ $output == *$'CapPrm:00000000000405fb\nNoNewPrivs:1\nSeccomp:2'*refused ]]
}

@test "the agent cannot be changed, traced or read from inside" {
  h=$(new_sandbox)
  run --separate-stderr sandpit exec "$h" 'echo x >/.sandpit/agent; rm /.sandpit/agent
    cat /proc/1/environ; ls /proc/1/fd/0/; kill -9 1; echo on'
  [ "$status" -eq 0 ]
  [ "$output" = on ]
  [[ $stderr == *Read-only*Read-only*denied*denied* ]]
}

@test "the strict profile and a file are sent, and a bad one is one line" {
  run sprun --seccomp strict echo fine
  [ "$output" = fine ]
  echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}' >"$W/files/p"
  run --separate-stderr sprun --seccomp "$W/files/p" 'mkdir /tmp/x || echo refused'
  [ "$output" = refused ]
  echo '{"defaultAction":' >"$W/files/p"
  run --separate-stderr sprun --seccomp "$W/files/p" true
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: run: "*"$W/files/p"* ]]
  [ "${#stderr_lines[@]}" -eq 1 ]
  no_containers
}

@test "nothing is mounted over what protects" {
  for target in /proc /sys/fs /dev/shm /.sandpit /x/../proc; do
    run --separate-stderr sprun -v "$W/files:$target" true
    [ "$status" -eq 125 ]
    [[ $stderr == *"mount target "*"$target"* ]]
  done
  no_containers
}

@test "a limit the engine cannot set is an error and leaves nothing" {
  run --separate-stderr sprun --disk 1g true
  [ "$status" -eq 0 ] && skip "this engine has disk quotas"
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: run: "*"disk limit"* ]]
  no_containers
}

# --- Ending commands -----------------------------------------------------------------------

@test "a command that kills its watcher takes all it started along" {
  h=$(new_sandbox)
  run sandpit exec "$h" '(setsid sleep 7001 &) ; kill -9 $PPID; sleep 7002'
  [ "$status" -eq 137 ]
  only_the_keeper_runs_in "$h"
}

@test "a command that stops its watcher is gone at the deadline" {
  h=$(new_sandbox)
  run sandpit exec -t 1 "$h" '(setsid sleep 7001 &) ; kill -STOP $PPID; sleep 7002'
  [ "$status" -eq 124 ]
  only_the_keeper_runs_in "$h"
}

@test "a command that kills everything it can see ends itself" {
  h=$(new_sandbox)
  run sandpit exec "$h" 'kill -9 -1; while :; do :; done'
  [ "$status" -eq 137 ]
  only_the_keeper_runs_in "$h"
  run sandpit exec "$h" echo on
  [ "$output" = on ]
}

# Its first thread has ended, so it looks like a zombie.
@test "a process whose first thread has left is gone at the deadline" {
  h=$(new_sandbox)
  run sandpit exec -t 1 "$h" 'exec python3 -c "
import ctypes, os, threading, time
if os.fork() == 0:
    os.setsid()
    threading.Thread(target=lambda: time.sleep(7001)).start()
    ctypes.CDLL(None).syscall(60, 0)
time.sleep(7002)"'
  [ "$status" -eq 124 ]
  only_the_keeper_runs_in "$h"
}

@test "what a command leaves in the background goes on" {
  h=$(new_sandbox)
  sandpit exec "$h" 'setsid sleep 7001 >/dev/null 2>&1 &'
  processes_in "$h" | grep -qx 'sleep 7001'
  run sandpit exec -t 1 "$h" 'sleep 7002'
  [ "$status" -eq 124 ]
  processes_in "$h" | grep -qx 'sleep 7001'
  run ! grep -x 'sleep 7002' <<<"$(processes_in "$h")"
}

@test "a run whose sandpit was killed is gone at its deadline" {
  command sandpit run -p docker -t 3 'echo begun; sleep 7001' >"$W/files/out" 3>&- &
  pid=$!
  wait_until 60 grep -q begun "$W/files/out"
  kill -9 "$pid"
  wait "$pid" || :
  wait_until 30 no_containers
}

@test "a sandbox whose time is over is removed with nobody there" {
  h=$(new_sandbox --ttl 1)
  wait_until 30 no_containers
  [ "$(sandpit list -p docker --json)" = "[]" ]
}

# --- Images ----------------------------------------------------------------------------------

@test "an image without a shell runs, and keeps" {
  mkdir "$W/files/root"
  cp "${B:-build}/sandpit-agent" "$W/files/root/only"
  tar -C "$W/files/root" -cf - . | dockerd_api POST '/images/create?fromSrc=-&repo=bare&tag=1' \
    -H 'Content-Type: application/x-tar' --data-binary @- >/dev/null
  run sprun -i bare:1 -- /only
  [ "$status" -eq 2 ] # what our own program says to no arguments
  run sprun -i bare:1 -- sh -c true
  [ "$status" -eq 127 ]
  h=$(new_sandbox -i bare:1)
  run sandpit exec "$h" -- /only
  [ "$status" -eq 2 ]
}

@test "an image that is not to be had is one line that says what to do" {
  run --separate-stderr sprun -i no-such-image.invalid/x:1 true
  [ "$status" -eq 125 ]
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ $stderr == "sandpit: run: "*"no-such-image.invalid/x:1"*"docker load"* ]]
  no_containers
}

@test "a user the image does not have is an error, and not output" {
  h=$(new_sandbox)
  run --separate-stderr sandpit exec -u nobody-knows "$h" id
  [ "$status" -eq 125 ]
  [ "$output" = "" ]
  [[ $stderr == *nobody-knows* ]]
  run sandpit exec -u sandbox "$h" 'id -u; echo x >file; pwd'
  [ "$output" = $'1000\n/workspace' ]
}

# --- What is ours, and what is not -----------------------------------------------------------

@test "a container that only wears our label is neither listed nor destroyed" {
  sandpit run -p docker true
  image=$(dockerd_api GET '/images/json' | json '[0]["Id"]')
  dockerd_api POST '/containers/create?name=innocent' -H 'Content-Type: application/json' \
    -d "{\"Image\": \"$image\", \"Cmd\": [\"true\"], \"Labels\": {\"dev.sandpit.id\": \"sb-aaaaaaaaaa\"}}"
  [ "$(sandpit list -p docker --json)" = "[]" ]
  sandpit destroy -p docker --all
  sandpit destroy docker:sb-aaaaaaaaaa
  [ "$(containers)" = 1 ]
  dockerd_api DELETE /containers/innocent
}

@test "a container removed behind our back is not found, and destroying it succeeds" {
  h=$(new_sandbox)
  dockerd_api DELETE "/containers/$(container_of "$h")?force=1"
  run --separate-stderr sandpit exec "$h" true
  [ "$status" -eq 125 ]
  [[ $stderr == *"no such sandbox"* ]]
  run sandpit inspect "$h"
  [ "$status" -eq 125 ]
  sandpit destroy "$h"
}

@test "a container removed while a command runs ends the command" {
  h=$(new_sandbox)
  sandpit exec "$h" 'echo begun; sleep 7001' >"$W/files/out" 2>"$W/files/err" 3>&- &
  pid=$!
  wait_until 60 grep -q begun "$W/files/out"
  dockerd_api DELETE "/containers/$(container_of "$h")?force=1"
  status=0
  wait "$pid" || status=$?
  [ "$status" -eq 125 ]
  grep -q "the sandbox ended while the command ran" "$W/files/err"
}

@test "labels come back exactly" {
  h=$(new_sandbox -l 'a=b=c d' -l empty= -l dev.sandpit.id=mine)
  [ "$(sandpit inspect "$h" | json '["labels"].items().__len__()')" = 3 ]
  for label in 'a=b=c d' empty= dev.sandpit.id=mine; do
    [ "$(sandpit inspect "$h" | json "[\"labels\"][\"${label%%=*}\"]")" = "${label#*=}" ]
  done
}

# --- Engines that are not there, or not what they should be ----------------------------------

fails_in_one_line() { # WORDS
  local start=$SECONDS
  run --separate-stderr command sandpit run -p docker true
  [ "$status" -eq 125 ]
  [ "$output" = "" ]
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ $stderr == "sandpit: run: "*"$DOCKER_HOST"* ]] || { echo "$stderr"; false; }
  [[ $stderr == *"$1"* ]] || { echo "$stderr"; false; }
  [ $((SECONDS - start)) -lt 90 ]
}

@test "no socket, and one nobody listens on, say what to do" {
  export DOCKER_HOST=unix://$W/files/none
  fails_in_one_line "start dockerd, or use -p local"
  python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$W/files/stale"
  export DOCKER_HOST=unix://$W/files/stale
  fails_in_one_line "start dockerd, or use -p local"
  export DOCKER_HOST=tcp://127.0.0.1:1
  fails_in_one_line "check DOCKER_HOST"
}

@test "a socket that answers garbage, half an answer or nothing is one line" {
  export DOCKER_HOST=unix://$W/files/s
  for text in 'SSH-2.0-OpenSSH\r\n' 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{' \
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey' ''; do
    serve "$W/files/s" "$text"
    fails_in_one_line ""
    kill "$SERVER"
    rm "$W/files/s"
  done
}

@test "the engine is reached over TCP as well" {
  python3 - "$SP_DOCKERD_DIR/d.sock" "$W/files/port" <<'PY' 3>&- &
import os, socket, sys, threading
def carry(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(16)
with open(sys.argv[2] + ".new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename(sys.argv[2] + ".new", sys.argv[2])
while True:
    a, _ = s.accept()
    b = socket.socket(socket.AF_UNIX)
    b.connect(sys.argv[1])
    for pair in (a, b), (b, a):
        threading.Thread(target=carry, args=pair, daemon=True).start()
PY
  SERVER=$!
  wait_until 20 test -e "$W/files/port"
  DOCKER_HOST=tcp://127.0.0.1:$(cat "$W/files/port") run sprun cat <<<"over tcp"
  [ "$output" = "over tcp" ]
}
