#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the command says to bad input, how it chooses, and where it keeps its state.
#
# shellcheck disable=SC2154 # run sets stderr and stderr_lines, coproc talk_PID
# shellcheck disable=SC2016 # what is to be expanded inside

load helper

setup_file() {
  make_world
  reason=$(can_userns) || cannot userns "$reason"
}

teardown_file() {
  remove_world
}

setup() {
  skip_if_cannot
  F=$W/files
  mkdir "$F"
}

teardown() {
  rm -rf "$W/files"
  [ -n "${CANNOT-}" ] || sandpit destroy -p local --all
}

# One clear line, status 125, nothing on stdout, and no sandbox that was not there.
refused() { # PATTERN ARGUMENT...
  local pattern=$1
  shift
  run --separate-stderr sandpit "$@"
  [ "$status" -eq 125 ] || { echo "status $status: sandpit $*"; return 1; }
  [ "$output" = "" ] || { echo "printed $output: sandpit $*"; return 1; }
  # shellcheck disable=SC2053 # it is a pattern
  [[ $stderr == "sandpit: "$pattern ]] || { echo "said $stderr: sandpit $*"; return 1; }
  [ "${#stderr_lines[@]}" -eq 1 ] || { echo "more than a line: sandpit $*"; return 1; }
  [ "$(command sandpit list -p local --json)" = "[]" ] || { echo "left something: sandpit $*"; return 1; }
}

@test "words that are no command, no option, or too many are refused" {
  refused '*"rum"*sandpit help*' rum
  refused '*"-x"*' -x
  refused 'run: *COMMAND*' run
  refused 'run: *--nope*sandpit help run*' run --nope true
  refused 'run: *--all*not an option of run*' run --all true
  refused 'run: *--timeout needs S*' run --timeout
  refused 'list: *"extra"*' list extra
  refused 'create: *"true"*' create true
  refused 'exec: *SANDBOX*' exec
  refused 'exec: *COMMAND*' exec sb-aaaa
  refused 'inspect: *SANDBOX*' inspect
  refused 'destroy: *--all*' destroy
  refused 'destroy: *only one*' destroy --all sb-aaaa
  refused 'cp: *FROM and TO*' cp one
}

@test "values that make no sense are refused, and named" {
  refused 'run: --label: *"app"*KEY=VALUE*' run -l app true
  refused 'run: --label: *KEY=VALUE*' run -l =x true
  refused 'run: *label*"a/b"*' run -l a/b=x true
  refused 'run: *label a*twice*' run -l a=1 -l a=2 true
  refused 'run: --timeout: *' run -t soon true
  refused 'run: --timeout: *' run -t -1 true
  refused 'run: --memory: *' run --memory lots true
  refused 'run: *memory*4m*' run --memory 1k true
  refused 'run: --cpus: *' run --cpus 0 true
  refused 'run: --pids: *' run --pids -3 true
  refused 'run: --network: *none, allow=HOST,..., nat, host*' run --network open true
  refused 'run: *mount "/usr"*SRC:DST*' run -v /usr true
  refused 'run: *mount target "mnt"*' run -v /usr:mnt true
  refused 'run: *mount target*holds ..*' run -v /usr:/a/../b true
  refused 'run: *work directory "relative"*' run -w relative true
  refused 'run: *reuse needs a label*' run --reuse true
  refused 'run: --env: *' run -e =x true
  refused "run: --env-file: *$F/none*" run --env-file "$F/none" true
  printf 'A=1\n=2\n' >"$F/env"
  refused 'run: --env-file: *line 2*' run --env-file "$F/env" true
}

@test "what is not there is named" {
  refused 'run: *"gone"*docker, local*' run -p gone true
  refused 'run: *"gone"*docker, local*' run --fallback local,gone true
  refused "run: *$F/none*" run -p local -i "$F/none" true
  refused 'run: *no-such-image*' run -p local -i no-such-image:1 true
  refused "run: *$F/none*" run -p local -v "$F/none:/mnt" true
  refused "run: *$F/none*" run -p local --seccomp "$F/none" true
  refused 'run: *no-such-user*' run -p local -u no-such-user true
  refused "run: *$F/none.py*" run -f "$F/none.py"
  refused 'run: *cobol*python*' run --lang cobol -f /dev/null
  refused 'run: *no code*' run --lang python -f /dev/null
  echo text >"$F/text"
  refused 'run: *language*text*' run -f "$F/text"
  refused 'exec: *local:sb-gone*' exec local:sb-gone true
  refused 'exec: *sb-gone*' exec sb-gone true
  refused 'inspect: *sb-gone*' inspect local:sb-gone
  refused 'destroy: *sb-gone*' destroy sb-gone
}

@test "names that are paths, or worse, reach nothing" {
  for name in ../x local:../x local:a/b 'local:a b' local: :x a:b:c 'local:..' $'local:a\nb'; do
    refused '*' exec "$name" true
    refused '*' inspect "$name"
    refused '*' destroy "$name"
  done
}

@test "cp wants one side here and one in a sandbox" {
  echo x >"$F/x"
  refused 'cp: *one side*' cp "$F/x" "$F/y"
  refused 'cp: *one side*' cp local:sb-aaaa:/x local:sb-bbbb:/x
  refused 'cp: *no path*' cp "$F/x" local:sb-aaaa
  refused 'cp: *does not begin with /*' cp "$F/x" local:sb-aaaa:x
  refused 'cp: *sb-aaaa*' cp "$F/x" local:sb-aaaa:/x
  refused 'cp: *sb-aaaa*' cp local:sb-aaaa:/x "$F/y"
  [ ! -e "$F/y" ]
}

@test "an error with --json is an object on stdout" {
  run --separate-stderr sandpit run --json -p local -i no-such-image:1 true
  [ "$status" -eq 125 ]
  [ "$stderr" = "" ]
  [ "$(json '["error"]["code"]' <<<"$output")" = not_found ]
  [ "$(json '["error"]["provider"]' <<<"$output")" = local ]
  [ "$(json '["error"]["retryable"]' <<<"$output")" = false ]
  [[ $(json '["error"]["message"]' <<<"$output") == *no-such-image* ]]
  run --separate-stderr sandpit exec --nope --json x
  [ "$(json '["error"]["code"]' <<<"$output")" = invalid ]
}

@test "control characters of others do not reach the terminal" {
  run --separate-stderr sandpit run -p $'a\033[31mb' true
  [ "$status" -eq 125 ]
  [[ $stderr != *$'\033'* ]]
  sandpit create -p local -l $'x=a\033[31m' >/dev/null
  run sandpit list
  [[ $output != *$'\033'* ]]
  [[ $output == *'x=a\x1b[31m'* ]]
}

@test "without an engine, local is chosen" {
  run sandpit run --json true
  [ "$(json '["provider"]' <<<"$output")" = local ]
}

# A socket whose every visitor gets these bytes and a hang-up.
serve() { # SOCKET BYTES
  python3 - "$1" "$2" <<'PY' 3>&- &
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + ".new")
s.listen(16)
os.rename(sys.argv[1] + ".new", sys.argv[1])
while True:
    c, _ = s.accept()
    try:
        c.recv(65536)
        c.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
    except OSError:
        pass # a mere look whether somebody answers
    c.close()
PY
  server=$!
  wait_until 20 test -S "$1"
}

@test "an engine that talks nonsense is passed over, and named when asked for" {
  local answer
  for answer in 'nonsense' '' 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{' \
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{\xff:}' 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'; do
    serve "$F/s" "$answer"
    DOCKER_HOST=unix://$F/s refused "run: *$F/s*" run -p docker true
    DOCKER_HOST=unix://$F/s run --separate-stderr sandpit run echo local
    kill "$server"
    wait "$server" || :
    rm "$F/s"
    [ "$output" = local ]
  done
}

@test "an engine that is not there is named, with what to do" {
  DOCKER_HOST=unix://$F/none refused "run: *$F/none*" run -p docker true
  : >"$F/file"
  DOCKER_HOST=unix://$F/file refused "run: *$F/file*" run -p docker true
  DOCKER_HOST=tcp://127.0.0.1:1 refused "run: *127.0.0.1:1*" run -p docker true
  DOCKER_HOST=ftp://x refused "run: *ftp://x*" run -p docker true
}

@test "the fallback runs it when the first cannot, and says so" {
  DOCKER_HOST=unix://$F/none run --separate-stderr sandpit run -p docker --fallback local echo here
  [ "$status" -eq 0 ]
  [ "$output" = here ]
  [[ $stderr == "sandpit: "*docker*local* ]]
  DOCKER_HOST=unix://$F/none run --separate-stderr sandpit run -q -p docker --fallback local echo here
  [ "$stderr" = "" ]
}

@test "the fallback is for providers, not for commands that fail" {
  run --separate-stderr sandpit run -p local --fallback docker "exit 9"
  [ "$status" -eq 9 ]
  [ "$stderr" = "" ]
}

@test "a state folder that is not ours alone is refused" {
  mkdir -m 755 "$F/open"
  SANDPIT_STATE_DIR=$F/open run --separate-stderr sandpit run -p local true
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: run: "*"$F/open"*"chmod 700"* ]]
  ln -s "$SANDPIT_STATE_DIR" "$F/link"
  SANDPIT_STATE_DIR=$F/link run --separate-stderr sandpit list
  [ "$status" -eq 125 ]
  SANDPIT_STATE_DIR=relative run --separate-stderr sandpit list
  [ "$status" -eq 125 ]
  SANDPIT_STATE_DIR=/proc/sandpit run --separate-stderr sandpit list
  [ "$status" -eq 125 ]
  [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "a full disk is one line, and nothing is left on it" {
  require root
  mkdir "$F/disk"
  run --separate-stderr unshare -m bash -c '
    mount -t tmpfs -o size=64k,mode=700 none "$1" || exit 99
    export SANDPIT_STATE_DIR=$1
    sandpit list -p local >/dev/null || exit 98
    head -c 1M /dev/zero >"$1/filler" 2>/dev/null
    sandpit create -p local
    status=$?
    rm "$1/filler"
    [ "$(sandpit list -p local --json)" = "[]" ] || exit 97
    exit $status' - "$F/disk"
  [ "$status" -eq 125 ]
  [[ $stderr == "sandpit: create: "*"No space left"* ]]
  [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "the state folder follows the environment when none is named" {
  require rootless
  copy_programs
  mkdir -m 700 "$F/run"
  [ "$(id -u)" != 0 ] || chown 65534 "$F/run"
  as_user env -u SANDPIT_STATE_DIR XDG_RUNTIME_DIR="$F/run" HOME="$F" \
    "$(command -v sandpit)" list -p local >/dev/null
  [ "$(stat -c %a "$F/run/sandpit")" = 700 ]
}

@test "closed streams are survived" {
  sandpit run -p local "echo hi" >&-
  sandpit run -p local "echo hi >&2" 2>&-
  run bash -c 'sandpit version >&- 2>&- <&-; echo "$?"'
  [ "$output" = 0 ]
}

commands() {
  sandpit help | sed -n 's/^  sandpit \([a-z]*\) .*/\1/p'
}

@test "help tells every command, and for each the options it has" {
  run sandpit help
  [ "$status" -eq 0 ]
  manual=$(awk '/^\.Nm$/ { getline; if ($1 == ".Cm" && NF == 2) print $2 }' "$BATS_TEST_DIRNAME/../../docs/sandpit.1")
  diff <(sort -u <<<"$manual") <(commands | sort)
  for name in $(commands); do
    [[ $output == *"sandpit $name"* ]]
    sandpit help "$name" | grep -q -- --help
    sandpit "$name" --help | grep -q -- --quiet
  done
  [ "$(sandpit --version)" = "$(sandpit version)" ]
}

@test "every option of the manual is one of the command, and the reverse" {
  tree=$BATS_TEST_DIRNAME/../..
  sed -n 's/^\.It .*Fl Fl \([a-z-]*\).*/\1/p' "$tree/docs/sandpit.1" | sort -u >"$F/manual"
  for name in $(commands); do
    sandpit help "$name" | sed -n 's/^  .*--\([a-z-]*\).*/\1/p'
  done | sort -u >"$F/command"
  diff "$F/manual" "$F/command"
}

@test "local maps no more than it needs" {
  strace -V >/dev/null 2>&1 || skip "strace is not installed"
  strace -o "$F/trace" -e trace=openat sandpit run -p local true
  run ! grep -q 'libcurl\|libsandpit-net' "$F/trace"
}

@test "doctor tells each layer and its state" {
  run sandpit doctor
  [ "$status" -eq 0 ]
  [[ $output == *"user namespace"* ]]
  run sandpit doctor --json
  [ "$(json '[0].__contains__("state")' <<<"$output")" = true ]
}
