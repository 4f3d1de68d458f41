#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the command promises, on each provider: the other cli-*.bats are links to this.
#
# shellcheck disable=SC2154 # run sets stderr and stderr_lines, coproc talk_PID
# shellcheck disable=SC2016 # what is to be expanded inside

load helper

setup_file() {
  choose_provider
  make_world
  start_provider
}

teardown_file() {
  stop_provider
  remove_world
}

setup() {
  skip_if_cannot
}

teardown() {
  [ -z "${CANNOT-}" ] || return 0
  sandpit destroy -p "$P" --all
  rm -rf "$W/files"
}

# A folder for files of one test, which the command may read and write.
files() {
  mkdir -p "$W/files"
  [ -z "$AS_USER" ] || chown 65534:65534 "$W/files"
  echo "$W/files"
}

@test "the sum of the first hundred is 4950 and nothing else" {
  run --separate-stderr sprun "python3 -c 'print(sum(range(100)))'"
  [ "$status" -eq 0 ]
  [ "$output" = 4950 ]
  [ "$stderr" = "" ]
  no_sandboxes
}

@test "stdout and stderr stay apart" {
  run --separate-stderr sprun "echo out; echo err >&2"
  [ "$output" = out ]
  [ "$stderr" = err ]
}

@test "the exit status is the command's own" {
  for code in 0 1 3 77 255; do
    run sprun "exit $code"
    [ "$status" -eq "$code" ]
  done
}

@test "a signal that ended it is 128 and its number" {
  run sprun -- sh -c 'kill -9 $$'
  [ "$status" -eq 137 ]
  run sprun -- sh -c 'kill -15 $$'
  [ "$status" -eq 143 ]
}

@test "a command that is not there is 127, one that is no program 126" {
  run -127 --separate-stderr sprun -- no-such-program
  [[ $stderr == *no-such-program* ]]
  run --separate-stderr sprun -- /etc/passwd
  [ "$status" -eq 126 ]
  [[ $stderr == *passwd* ]]
}

@test "one word is given to a shell, several are not" {
  run sprun 'echo $((1 + 1)) *nothing*'
  [ "$output" = "2 *nothing*" ]
  run sprun echo '$((1 + 1))' '*'
  [ "$output" = '$((1 + 1)) *' ]
  run -127 sprun -- 'echo hello'
}

@test "options stop at the first word of the command" {
  run sprun echo --json -p x --help
  [ "$output" = "--json -p x --help" ]
}

@test "a megabyte of random bytes comes back unchanged" {
  f=$(files)
  head -c 1048576 /dev/urandom >"$f/in"
  sprun cat <"$f/in" >"$f/out"
  cmp "$f/in" "$f/out"
  head -c 1048576 "$f/in" | sprun "sha256sum; cat >/dev/null" >"$f/sum"
  [ "$(cut -c1-64 "$f/sum")" = "$(sha256sum <"$f/in" | cut -c1-64)" ]
}

@test "output arrives while the command runs" {
  coproc talk { sprun "echo ready; read -r word; echo got \$word"; }
  to=${talk[1]} from=${talk[0]} pid=$talk_PID
  read -rt 60 -u "$from" line
  [ "$line" = ready ]
  echo hello >&"$to"
  read -rt 60 -u "$from" line
  [ "$line" = "got hello" ]
  wait "$pid"
}

@test "standard input is empty unless there is some" {
  run sprun cat </dev/null
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  run sprun cat <<<"some"
  [ "$output" = some ]
  sprun cat <&-
}

@test "a flood goes through without costing memory" {
  run python3 - "$P" "$AS_USER" <<'PY'
import os, resource, subprocess, sys
argv = ["sandpit", "run", "-p", sys.argv[1], "head", "-c", "268435456", "/dev/zero"]
if sys.argv[2]:
    argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"] + argv
child = subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
total = 0
while chunk := os.read(child.stdout.fileno(), 1 << 20):
    total += len(chunk)
status = child.wait()
print(status, total, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 65536)
PY
  [ "$output" = "0 268435456 True" ]
}

@test "the environment is what was given, and nothing of ours" {
  f=$(files)
  printf '# comment\nC=3\nGIVEN\n' >"$f/env"
  GIVEN=mine SECRET=hidden run sprun -e A=1 -e 'B=two words' -e GIVEN --env-file "$f/env" env
  [ "$status" -eq 0 ]
  [[ $'\n'$output$'\n' == *$'\nA=1\n'* ]]
  [[ $'\n'$output$'\n' == *$'\nB=two words\n'* ]]
  [[ $'\n'$output$'\n' == *$'\nC=3\n'* ]]
  [[ $'\n'$output$'\n' == *$'\nGIVEN=mine\n'* ]]
  [[ $output != *SECRET* ]]
  [[ $output != *"$W"* ]]
}

@test "the work directory is /workspace, or the one that was asked for" {
  run sprun pwd
  [ "$output" = /workspace ]
  run sprun -w /tmp pwd
  [ "$output" = /tmp ]
  run sprun "echo x >file && cat file"
  [ "$output" = x ]
}

@test "a user can be asked for by number" {
  [ -z "$AS_USER" ] || skip "one id is all an ordinary user has"
  run sprun -u 1000:1000 "id -u; id -g"
  [ "$output" = $'1000\n1000' ]
}

@test "at the deadline everything of the command is gone" {
  start=$SECONDS
  run --separate-stderr sprun -t 1 \
    "trap '' TERM INT HUP; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &) ; echo begun; while :; do sleep 1; done"
  [ "$status" -eq 124 ]
  [ "$output" = begun ]
  [[ $stderr == "sandpit: "*"time limit of 1 s"* ]]
  [ $((SECONDS - start)) -lt 15 ]
  no_sandboxes
}

@test "a command that closes its streams or writes for ever ends at the deadline" {
  run sprun -t 0.5 "exec <&- >&- 2>&-; while :; do :; done"
  [ "$status" -eq 124 ]
  sprun -t 0.5 yes >/dev/null || code=$?
  [ "$code" -eq 124 ]
}

@test "a reader that does not read holds nothing beyond the deadline" {
  f=$(files)
  mkfifo "$f/fifo"
  exec 8<>"$f/fifo"
  run --separate-stderr bash -c 'exec timeout -s KILL 30 "$@" >&8' - \
    ${AS_USER:+setpriv --reuid 65534 --regid 65534 --clear-groups --} \
    sandpit run -p "$P" -t 1 yes
  exec 8>&-
  [ "$status" -eq 124 ]
  no_sandboxes
}

@test "a reader that has seen enough ends it quietly" {
  f=$(files)
  set +o pipefail
  first=$(sprun yes 2>"$f/err" | head -n 1)
  [ "$first" = y ]
  [ ! -s "$f/err" ]
  no_sandboxes
}

@test "output that cannot be written is an error that says so" {
  run --separate-stderr bash -c 'exec "$@" >/dev/full' - \
    ${AS_USER:+setpriv --reuid 65534 --regid 65534 --clear-groups --} \
    sandpit run -p "$P" "echo hi"
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: run: "*"No space left"* ]]
  no_sandboxes
}

# Start a command that waits, send the signal once it runs, and tell the status.
interrupted_by() { # SIGNAL
  local f out status
  f=$(files)
  mkfifo "$f/out"
  # Not a function: the process to be signalled is sandpit itself.  A background job of a
  # script ignores SIGINT, so it is given back its default.
  python3 -c 'import os,signal,sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' \
    ${AS_USER:+setpriv --reuid 65534 --regid 65534 --clear-groups --} \
    sandpit run -p "$P" "echo ready; while :; do sleep 1; done" >"$f/out" </dev/null 2>"$f/err" &
  pid=$!
  exec 7<"$f/out"
  read -rt 60 -u 7 out
  [ "$out" = ready ]
  kill -s "$1" "$pid"
  status=0
  wait "$pid" || status=$?
  exec 7<&-
  echo "$status"
}

@test "Ctrl-C and SIGTERM stop the command and clean up" {
  [ "$(interrupted_by INT)" = 130 ]
  no_sandboxes
  rm -rf "$W/files"
  [ "$(interrupted_by TERM)" = 143 ]
  no_sandboxes
}

# The command once, with the rest of the words before it, and killed after so long.
killed_after() { # SECONDS ARGUMENT...
  local after=$1 status=0
  shift
  # The shell's own word on each kill goes nowhere, either.
  {
    timeout -s KILL "$after" ${AS_USER:+setpriv --reuid 65534 --regid 65534 --clear-groups --} \
      sandpit "$@" </dev/null >/dev/null || status=$?
  } 2>/dev/null
  [ "$status" -eq 0 ] || [ "$status" -eq 137 ]
}

@test "kill -9 at any moment leaves nothing that destroy does not remove" {
  for after in 0.001 0.002 0.004 0.006 0.009 0.013 0.02 0.05 0.2 0.6; do
    killed_after "$after" run -p "$P" "sleep 0.1"
    killed_after "$after" create -p "$P"
  done
  for after in 0.001 0.003 0.006 0.01 0.05; do
    h=$(new_sandbox)
    killed_after "$after" exec "$h" "sleep 1000"
    killed_after "$after" destroy "$h"
  done
  wait_until 20 sandpit destroy -p "$P" --all
  no_sandboxes
  [ -z "$(find "$SANDPIT_STATE_DIR" -name 'sb-*')" ]
}

@test "a terminal is not passed unless it is lent" {
  run timeout 30 script -qec "$(declare -f as_user sandpit); sandpit run -p $P cat" /dev/null </dev/null
  [ "$status" -eq 0 ]
  run timeout 30 script -qec "$(declare -f as_user sandpit); sandpit run -p $P -I 'read -r x; echo got \$x'" \
    /dev/null < <(printf 'word\n'; sleep 20)
  [ "$status" -eq 0 ]
  [[ $output == *"got word"* ]]
}

@test "memory that ran out is 137 and a line that says so" {
  require cgroup
  run --separate-stderr sprun --memory 64m "python3 -c 'x = bytearray(512 << 20)'"
  if [ "$status" -eq 125 ] && [ -n "$AS_USER" ]; then
    # What was asked for and cannot be had is no sandbox.
    [[ $stderr == *"memory limit cannot be enforced"* ]]
    return 0
  fi
  [ "$status" -eq 137 ]
  [[ $stderr == *"sandpit: run: memory ran out"* ]]
}

@test "json of a run has what was promised" {
  run --separate-stderr sprun --json "echo hi; echo oh >&2; exit 3"
  [ "$status" -eq 3 ]
  [ "$stderr" = "" ]
  [ "$(json '["provider"]' <<<"$output")" = "$P" ]
  [[ $(json '["sandbox"]' <<<"$output") == "$P:sb-"* ]]
  [ "$(json '["exit_code"]' <<<"$output")" = 3 ]
  [ "$(json '["stdout"]' <<<"$output")" = hi ]
  [ "$(json '["stderr"]' <<<"$output")" = oh ]
  keys=$(python3 -c 'import json,sys; print(*json.load(sys.stdin))' <<<"$output")
  [ "$keys" = "sandbox provider exit_code signal timed_out oom_killed disk_full pids_exceeded cpu_time_exceeded stdout stderr stdout_truncated stderr_truncated create_ms run_ms destroy_ms" ]
}

@test "json tells a deadline, a signal and bytes that are no text" {
  run --separate-stderr sprun --json -t 0.5 "echo begun; sleep 100"
  [ "$status" -eq 124 ]
  [ "$(json '["timed_out"]' <<<"$output")" = true ]
  [ "$(json '["stdout"]' <<<"$output")" = begun ]
  run --separate-stderr sprun --json -- sh -c 'kill -9 $$'
  [ "$(json '["signal"]' <<<"$output")" = 9 ]
  run --separate-stderr sprun --json "printf '\\377\\000x'"
  [ "$(json '["stdout_base64"]' <<<"$output")" = /wB4 ]
}

@test "a sandbox that was created is found, used and destroyed by its handle" {
  h=$(new_sandbox -l app=one)
  [[ $h == "$P:sb-"* ]]
  sandpit exec "$h" "echo kept >/tmp/file"
  run sandpit exec "$h" cat /tmp/file
  [ "$output" = kept ]
  run sandpit list -p "$P"
  [[ $output == *"$h"*running*app=one* ]]
  sandpit destroy "$h"
  no_sandboxes
  run --separate-stderr sandpit exec "$h" true
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: exec: "*"${h#*:}"* ]]
  sandpit destroy "$h"
}

@test "an id, or a unique beginning of it, will do" {
  h=$(new_sandbox)
  id=${h#*:}
  run sandpit exec -p "$P" "$id" echo by id
  [ "$output" = "by id" ]
  run sandpit exec -p "$P" "${id:0:8}" echo by prefix
  [ "$output" = "by prefix" ]
  run sandpit exec -p "$P" "${id:0:3}" true
  [ "$status" -eq 125 ]
}

@test "exec passes input, environment, work directory and status" {
  h=$(new_sandbox -e A=sandbox -e B=sandbox -w /tmp)
  run sandpit exec -e A=exec "$h" 'echo $A $B; pwd; cat; exit 9' <<<input
  [ "$status" -eq 9 ]
  [ "$output" = $'exec sandbox\n/tmp\ninput' ]
  run sandpit exec -w / "$h" pwd
  [ "$output" = / ]
}

@test "a deadline of exec ends the command and not the sandbox" {
  h=$(new_sandbox)
  run sandpit exec -t 0.5 "$h" "trap '' TERM; (setsid sleep 987 &) ; sleep 988"
  [ "$status" -eq 124 ]
  run sandpit exec "$h" "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
  [ "$status" -eq 0 ]
  [[ $output != *"sleep 98"* ]]
}

@test "labels choose what is listed and destroyed" {
  a=$(new_sandbox -l app=a -l who=me)
  b=$(new_sandbox -l app=b -l 'who=me')
  run sandpit list -p "$P" -l app=a --json
  [ "$(json '[0]["sandbox"]' <<<"$output")" = "$a" ]
  [ "$(json '[0]["labels"]' <<<"$output")" = '{"app": "a", "who": "me"}' ]
  [ "$(json '.__len__()' <<<"$output")" = 1 ]
  sandpit destroy -p "$P" -l app=a
  run sandpit list -p "$P" -l who=me --json
  [ "$(json '[0]["sandbox"]' <<<"$output")" = "$b" ]
  [ "$(json '.__len__()' <<<"$output")" = 1 ]
}

@test "reuse takes the running one, or makes and keeps one" {
  sprun --reuse -l job=x "echo first >/tmp/mark"
  run sprun --reuse -l job=x cat /tmp/mark
  [ "$output" = first ]
  run sprun --reuse -l job=y cat /tmp/mark
  [ "$status" -eq 1 ]
  [ "$(sandpit list -p "$P" -l job=x --json | json '.__len__()')" = 1 ]
}

@test "four that reuse at once get the same sandbox" {
  f=$(files)
  for i in 1 2 3 4; do
    sandpit create -p "$P" --reuse -l race=x >"$f/$i" &
    pids[i]=$!
  done
  for i in 1 2 3 4; do wait "${pids[i]}"; done
  [ "$(sort -u "$f"/[1-4] | wc -l)" = 1 ]
  [ "$(sandpit list -p "$P" --json | json '.__len__()')" = 1 ]
}

@test "keep leaves the sandbox and tells its handle on stderr" {
  run --separate-stderr sprun --keep "echo x >/tmp/file; echo done"
  [ "$output" = "done" ]
  [[ $stderr == "sandpit: kept $P:sb-"* ]]
  h=${stderr#sandpit: kept }
  run sandpit exec "$h" cat /tmp/file
  [ "$output" = x ]
}

is_not_running() { # HANDLE
  ! sandpit list -p "$P" --json | grep -q "\"$1\".*\"running\""
}

@test "a sandbox ends by itself after its time to live" {
  h=$(new_sandbox --ttl 1)
  wait_until 30 is_not_running "$h"
  run sandpit exec "$h" true
  [ "$status" -eq 125 ]
}

@test "inspect is one JSON object that knows the sandbox" {
  h=$(new_sandbox -l a=b)
  run sandpit inspect "$h"
  [ "$status" -eq 0 ]
  [ "$(json '["id"]' <<<"$output")" = "${h#*:}" ]
  [ "$(json '["labels"]["a"]' <<<"$output")" = b ]
}

@test "files and folders go in and come out" {
  h=$(new_sandbox)
  f=$(files)
  mkdir "$f/dir"
  head -c 100000 /dev/urandom >"$f/dir/a file"
  ln -s "a file" "$f/dir/link"
  chmod -R a+rX "$f"
  sandpit cp "$f/dir" "$h:/tmp/"
  run sandpit exec "$h" "cksum <'/tmp/dir/link'"
  [ "$output" = "$(cksum <"$f/dir/a file")" ]
  sandpit cp "$h:/tmp/dir" "$f/back"
  cmp "$f/dir/a file" "$f/back/a file"
  [ "$(readlink "$f/back/link")" = "a file" ]
  sandpit cp "$h:/tmp/dir/a file" "$f/one"
  cmp "$f/dir/a file" "$f/one"
}

@test "tar streams go in and come out" {
  h=$(new_sandbox)
  f=$(files)
  echo text >"$f/t"
  tar -C "$f" -cf - t | sandpit cp - "$h:/tmp/in"
  run sandpit exec "$h" cat /tmp/in/t
  [ "$output" = text ]
  sandpit cp "$h:/tmp/in" - | tar -tf - >"$f/list"
  grep -qx in/t "$f/list"
}

@test "a copy that fails is one line and changes nothing" {
  h=$(new_sandbox)
  f=$(files)
  run --separate-stderr sandpit cp "$f/nothing" "$h:/tmp/x"
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: cp: "*nothing* ]]
  [ "${#stderr_lines[@]}" -eq 1 ]
  run --separate-stderr sandpit cp "$h:/tmp/nothing" "$f/x"
  [ "$status" -eq 125 ]
  [ "${#stderr_lines[@]}" -eq 1 ]
  [ -z "$(ls -A "$f")" ]
  run sandpit exec "$h" ls /tmp/x
  [ "$status" -ne 0 ]
}

@test "a file is run in its language, with its arguments" {
  f=$(files)
  echo 'import sys; print(sys.argv[1:], sys.stdin.read())' >"$f/hello.py"
  chmod -R a+rX "$f"
  run sprun -f "$f/hello.py" -- a "b c" <<<input
  [ "$output" = "['a', 'b c'] input" ]
  printf '#!/usr/bin/env bash\necho "${BASH_VERSION:+bash} $1"; exit 4\n' >"$f/script"
  run sprun -f "$f/script" word
  [ "$status" -eq 4 ]
  [ "$output" = "bash word" ]
  run sprun --lang py -f - x <<<'import sys; print(sys.argv[1])'
  [ "$output" = x ]
  no_sandboxes
}

@test "code runs in a sandbox that is there" {
  h=$(new_sandbox)
  run sandpit exec --lang sh "$h" one <<<'echo "got $1"'
  [ "$output" = "got one" ]
}

@test "an image without the tool is 127 and says which" {
  code=0
  sprun "command -v go" >/dev/null || code=$?
  [ "$code" -ne 0 ] || skip "there is a go in the image"
  run -127 --separate-stderr sprun --lang go <<<'package main'
  [[ $stderr == "sandpit: the image has no go"* ]]
  no_sandboxes
}

@test "an engine that answers is chosen, and local where there is none" {
  run sandpit run --json true
  [ "$(json '["provider"]' <<<"$output")" = "$P" ]
  run sandpit run --json -i no-such-image:1 -p local true
  [ "$(json '["error"]["code"]' <<<"$output")" = not_found ]
}

@test "timings say where the time went, on stderr" {
  run --separate-stderr sprun --timings "echo hi"
  [ "$output" = hi ]
  [[ $stderr == *"sandpit: timing: "*" ms  "* ]]
}

@test "sandpit test passes every step" {
  run sandpit test -p "$P"
  [ "$status" -eq 0 ]
  [ "$(grep -c PASS <<<"$output")" = 5 ]
  no_sandboxes
}

@test "providers says how this one does and what it can do" {
  run sandpit providers -p "$P" --json
  [ "$(json '[0]["provider"]' <<<"$output")" = "$P" ]
  [ "$(json '[0]["ok"]' <<<"$output")" = true ]
  [[ $(json '[0]["capabilities"]' <<<"$output") == *files* ]]
}
