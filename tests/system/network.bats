#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The networks allow and nat, published ports and `sandpit port`, started by root and by an
# ordinary user, in a world of its own: tests/helpers/world.py.
#
# shellcheck disable=SC2154 # run sets stderr
# shellcheck disable=SC2016 # what is to be expanded inside
load helper

setup_file() {
  make_world
  local reason
  if ! reason=$(can_root) || ! reason=$(can_userns); then
    cannot root "$reason"
    return
  fi
  copy_programs
  mkdir "$W/user" "$W/world"
  chmod 755 "$W/world"
  mkfifo "$W/world-lives"
  unshare -n -m python3 "$BATS_TEST_DIRNAME/../helpers/world.py" "$W/world" \
    <"$W/world-lives" 3>&- >"$W/world.log" 2>&1 &
  exec 8>"$W/world-lives"
  wait_until 20 test -e "$W/world/world" || { cat "$W/world.log" >&2; return 1; }
  WORLD_PID=$(cat "$W/world/world")
  export WORLD_PID SECRET="Bearer s3cr3t-0123"
  mkdir -m 700 "$W/user/state"
  chown -R 65534:65534 "$W/user"
}

teardown_file() {
  exec 8>&-
  remove_world
}

setup() {
  skip_if_cannot
  : >"$W/world/seen"
  as root
}

teardown() {
  [ -z "${CANNOT-}" ] || return 0
  local who
  for who in root user; do
    as "$who"
    sandpit destroy --all
  done
}

# From here on the command is started by root, or by an ordinary user.
as() { # root | user
  WHO=$1
}

# In the world's namespaces.
world() {
  nsenter -t "$WORLD_PID" -n -m -- "$@" 8>&-
}

sandpit() {
  if [ "$WHO" = user ]; then
    world setpriv --reuid 65534 --regid 65534 --clear-groups -- env \
      SANDPIT_STATE_DIR="$W/user/state" XDG_RUNTIME_DIR="$W/user" HOME=/nonexistent \
      SSL_CERT_FILE="$W/world/ca.pem" "$W/bin/sandpit" "$@"
  else
    world env SSL_CERT_FILE="$W/world/ca.pem" sandpit "$@"
  fi
}

# A run with a network, as bats' own run does it.
net() { # NETWORK COMMAND...
  run --separate-stderr sandpit run -p local --network "$@"
}

# What the world's servers were asked since the test began: a value of each, a line each.
seen() { # KEY
  python3 -c 'import json,sys
for line in open(sys.argv[1]):
    v = json.loads(line)
    if sys.argv[2] in v: print(v[sys.argv[2]])' "$W/world/seen" "$1"
}

seen_header() { # NAME
  python3 -c 'import json,sys
for line in open(sys.argv[1]):
    for k, v in json.loads(line).get("headers", []):
        if k.lower() == sys.argv[2].lower(): print(v)' "$W/world/seen" "$1"
}

nothing_seen() {
  [ ! -s "$W/world/seen" ] || { cat "$W/world/seen" >&2; return 1; }
}

# Bytes to a port inside and what came back, by python, which every sandbox here has.
talk='import socket,sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
s.sendall(sys.argv[3].encode().decode("unicode_escape").encode("latin1"))
s.settimeout(5)
out = b""
try:
    while True:
        d = s.recv(65536)
        if not d: break
        out += d
except TimeoutError:
    out += b"<silence>"
print(out.decode("latin1"))'

# Send raw bytes to the proxy of a sandbox that allows web.test, one for each test.
proxy_says() { # BYTES
  [ -n "${talker-}" ] || talker=$(sandpit create -p local --network allow=web.test)
  run sandpit exec "$talker" -- python3 -c "$talk" 127.0.0.1 3128 "$1"
}

# --- allow: what is to work -------------------------------------------------------------------

@test "programs that know a proxy and programs that do not reach an allowed host" {
  for who in root user; do
    as "$who"
    : >"$W/world/seen"
    net allow=web.test 'curl -sS http://web.test/1 -o /dev/null &&
      curl -sS --noproxy "*" http://web.test/2 -o /dev/null &&
      curl -sSk https://web.test/3 -o /dev/null &&
      curl -sSk --noproxy "*" https://web.test/4 -o /dev/null &&
      curl -sS -x socks5h://127.0.0.1:3128 http://web.test/5 -o /dev/null &&
      curl -sS -x socks5://127.0.0.1:3128 http://web.test/6 -o /dev/null'
    [ "$status" -eq 0 ]
    [ "$(seen path | tr -d '\n')" = /1/2/3/4/5/6 ]
  done
}

@test "clients of python, node and git go through it" {
  net allow=web.test,api.test --credential 'api.test=X-Key:env:SECRET' 'python3 -c "
import urllib.request
print(urllib.request.urlopen(\"http://web.test/python\").status)"
    node -e "require(\"http\").get(\"http://web.test/node\", r => { console.log(r.statusCode); r.resume() })"
    node -e "fetch(\"https://api.test/\").then(r => r.text()).then(() => console.log(\"tls\"))"
    git ls-remote http://web.test/repo.git >/dev/null 2>&1; echo git'
  [ "$status" -eq 0 ]
  [ "$output" = "200
200
tls
git" ]
  [ "$(seen_header X-Key)" = "$SECRET" ]
  [[ "$(seen path)" == *"/repo.git/info/refs?service=git-upload-pack"* ]]
}

@test "what is below a star has a name inside, what is not does not exist, at once" {
  for who in root user; do
    as "$who"
    net 'allow=*.wild.test' 'getent hosts a.wild.test && curl -sS --noproxy "*" http://b.wild.test/
      getent hosts wild.test; echo $?; getent hosts web.test; echo $?'
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 127.77.* ]]
    [[ ${lines[1]} == *'"host": "b.wild.test"'* ]]
    [ "${lines[2]} ${lines[3]}" = "2 2" ]
  done
}

@test "bodies arrive whole: lengths, chunks, HEAD, one connection for several requests" {
  net allow=web.test 'curl -sS -d hello http://web.test/post
    echo chunks | curl -sS -H "Transfer-Encoding: chunked" -T - http://web.test/put
    curl -sS http://web.test/chunked; curl -sSI http://web.test/head | head -1
    curl -sS http://web.test/big http://web.test/big | wc -c
    curl -sS -H "Expect: 100-continue" -d wait http://web.test/expect -o /dev/null'
  [ "$status" -eq 0 ]
  [ "$(seen body | tr '\n' ' ' | tr -s ' ')" = "hello chunks wait " ]
  [[ $output == *'"path": "/chunked"'*"200 OK"*16777216* ]]
  # The two large ones were asked for on the same connection to the server.
  [ "$(python3 -c 'import json,sys
print(len({v["connection"] for v in map(json.loads, open(sys.argv[1])) if v["path"] == "/big"}))' \
    "$W/world/seen")" = 1 ]
}

@test "any protocol passes to an allowed port, and the end of one direction alone" {
  net allow=web.test:7000 -- python3 -c 'import socket
for host, port, ask in (("web.test", 7000, b""),
                        ("127.0.0.1", 3128, b"CONNECT web.test:7000 HTTP/1.1\r\n\r\n")):
    s = socket.create_connection((host, port))
    if ask:
        s.sendall(ask)
        assert b" 200 " in s.recv(39)
    s.sendall(b"x" * 300000)
    s.shutdown(socket.SHUT_WR)
    print(s.makefile().readline().strip())'
  [ "$status" -eq 0 ]
  [ "$output" = "300000 bytes
300000 bytes" ]
}

@test "an address that is named is reached under itself, and the host's loopback by its port" {
  for who in root user; do
    as "$who"
    net allow=10.9.8.7:8080,127.0.0.1:8088,203.0.113.7 'curl -sS --noproxy "*" http://10.9.8.7:8080/1 &&
      curl -sS http://10.9.8.7:8080/2 && curl -sS http://127.0.0.1:8088/3 &&
      curl -sS --noproxy "*" http://203.0.113.7/4'
    [ "$status" -eq 0 ]
    [ "$(seen path | tail -4 | tr -d '\n')" = /1/2/3/4 ]
  done
}

@test "the resolver and the hosts of an image make room for the sandbox's" {
  mkdir -p "$W/image"/{etc,bin}
  cp "$(command -v busybox || echo /bin/sh)" "$W/image/bin/sh"
  ln -s /run/elsewhere "$W/image/etc/resolv.conf"
  echo "203.0.113.7 web.test" >"$W/image/etc/hosts"
  : >"$W/image/ran"
  run sandpit create -p local -i "$W/image" --network allow=web.test
  [ "$status" -eq 0 ]
  run sandpit cp "$output:/etc/resolv.conf" -
  [[ $output == *"nameserver 127.0.0.1"* ]]
}

@test "a fork reaches what its origin reaches; credentials are not there to be given on" {
  handle=$(sandpit create -p local --network allow=web.test)
  fork=$(sandpit fork "$handle")
  run sandpit exec "$fork" 'curl -sSf http://web.test/fork -o /dev/null; curl -sS http://other.test/'
  [[ $output == *"other.test:80 is not allowed"* ]]
  [ "$(seen path)" = /fork ]
  handle=$(sandpit create -p local --network allow=api.test --credential 'api.test=X-Key:env:SECRET')
  [ "$(sandpit inspect "$handle" | json '["credentials"]')" = '["api.test"]' ]
  run -125 --separate-stderr sandpit fork "$handle"
  [[ $stderr == *"has credentials, which are kept nowhere"* ]]
}

# --- allow: what is to be refused -----------------------------------------------------------

@test "what is not allowed is refused, said to be policy, and listed" {
  for who in root user; do
    as "$who"
    handle=$(sandpit create -p local --network allow=web.test)
    run sandpit exec "$handle" 'curl -sS http://other.test/; curl -sS http://web.test:8080/
      curl -sS -x socks5h://127.0.0.1:3128 http://other.test/; getent hosts other.test
      curl -sS https://other.test/'
    [[ $output == *"blocked by sandbox policy: other.test:80 is not allowed; do not retry by other means"* ]]
    [[ $output == *"blocked by sandbox policy: web.test:8080 is not allowed"* ]]
    [[ $output == *"SOCKS5"*"(2)"* ]]
    run sandpit inspect "$handle"
    for what in other.test:80 web.test:8080 other.test:443 '"socks"' '"name"'; do
      [[ $output == *"$what"* ]]
    done
    [ "$(json '["allow"]' <<<"$output")" = '["web.test"]' ]
    [ "$(json '["gate"]' <<<"$output")" = running ]
  done
  nothing_seen
}

@test "no address of the machine or its network is reached by a name for it" {
  net allow=private.test,rebound.test,metadata.test,10.9.8.7:8080 'for h in private rebound metadata; do
    curl -sS http://$h.test/; done
    curl -sS http://169.254.169.254/; curl -sS http://127.0.0.1:80/
    curl -sS --noproxy "" http://127.0.0.1:8088/; curl -sS http://10.9.8.7/
    curl -sS http://[::ffff:10.9.8.7]/; curl -sS http://0.0.0.0/; curl -sS http://2130706433/
    curl -sS http://0x7f.1/'
  nothing_seen
  [[ $output == *"leads to 10.9.8.7, which is not public"* ]]
  [[ $output == *"leads to 127.0.0.1"* ]]
  [[ $output == *"leads to 169.254.169.254"* ]]
}

@test "there is no way but the gate: direct, UDP, raw, IPv6, names of others" {
  for who in root user; do
    as "$who"
    net allow=web.test -- python3 -c 'import socket
def tried(name, f):
    try: f(); print(name, "WENT THROUGH")
    except OSError as e: print(name, e.errno is not None)
def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
    s.sendto(b"x" * 20, ("203.0.113.7", port)); s.recv(9)
tried("tcp", lambda: socket.create_connection(("203.0.113.7", 80), 2))
tried("other", lambda: socket.create_connection(("198.51.100.2", 80), 2))
tried("dns", lambda: udp(53))
tried("udp", lambda: udp(5353))
tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
tried("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tried("ipv6", lambda: socket.create_connection(("2001:db8::1", 80), 2))
tried("vsock", lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, 1)))'
    [[ $output != *"WENT THROUGH"* ]]
  done
  nothing_seen
}

@test "nothing can be told to the world by asking for names" {
  net 'allow=*.wild.test' 'for n in secret.evil.test a.b.c.d.e.test web.test.evil.test secret.wild.test; do
    getent hosts $n; done'
  nothing_seen
}

@test "a proxy request is for what its target says and nothing else" {
  proxy_says 'GET http://web.test/ok HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n'
  [[ $output == *" 200 "*'"host": "web.test"'* ]]
  proxy_says 'GET http://u:p@web.test/ HTTP/1.1\r\nHost: web.test\r\n\r\n'
  [[ $output == *" 400 "* ]]
  proxy_says 'GET http://other.test@web.test/ HTTP/1.1\r\nHost: web.test\r\n\r\n'
  [[ $output == *" 400 "* ]]
  proxy_says 'GET /path HTTP/1.1\r\nHost: web.test\r\n\r\n'
  [[ $output == *" 400 "* ]]
  proxy_says 'GET http://web.test:8080/ HTTP/1.1\r\nHost: web.test\r\n\r\n'
  [[ $output == *" 403 "* ]]
  proxy_says 'CONNECT 10.9.8.7:80 HTTP/1.1\r\nHost: web.test:80\r\n\r\n'
  [[ $output == *" 403 "* ]]
  proxy_says 'CONNECT web.test HTTP/1.1\r\nHost: web.test:443\r\n\r\n'
  [[ $output == *" 400 "* ]]
  [ "$(seen path)" = /ok ]
}

@test "a request cannot be hidden in another" {
  hidden='GET http://hidden.test/ HTTP/1.1\r\nHost: hidden.test\r\n\r\n'
  proxy_says "POST http://web.test/a HTTP/1.1\r\nHost: web.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$hidden"
  [[ $output == *" 400 "* ]]
  proxy_says "POST http://web.test/b HTTP/1.1\r\nHost: web.test\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n$hidden"
  [[ $output == *" 400 "* ]]
  proxy_says "POST http://web.test/c HTTP/1.1\r\nHost: web.test\r\nTransfer-Encoding: xchunked\r\n\r\n$hidden"
  [[ $output == *" 400 "* ]]
  proxy_says "GET http://web.test/d HTTP/1.1\nHost: web.test\n\n$hidden"
  [[ $output == *" 400 "* || $output == *silence* ]]
  proxy_says "GET http://web.test/e HTTP/1.1\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n$hidden"
  [[ $output == *" 400 "* ]]
  nothing_seen
  # One after the other, each is judged by itself.
  proxy_says "GET http://web.test/f HTTP/1.1\r\nHost: web.test\r\n\r\n$hidden"
  [[ $output == *" 200 "*" 403 "* ]]
  [ "$(seen path)" = /f ]
}

@test "what is too long or too slow ends by itself and holds up nobody" {
  net allow=web.test -- python3 -c 'import socket, urllib.request
idle = [socket.create_connection(("127.0.0.1", 3128)) for _ in range(40)]
s = socket.create_connection(("127.0.0.1", 3128))
try:
    s.sendall(b"GET http://web.test/ HTTP/1.1\r\nX: " + b"a" * 70000)
    print(s.recv(99)[9:12])
except ConnectionError:
    print("ended")
print(urllib.request.urlopen("http://web.test/free").status)'
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == "b'400'" || ${lines[0]} == ended ]]
  [ "${lines[1]}" = 200 ]
}

# --- Credentials -----------------------------------------------------------------------------

@test "a credential is added to each request for its host and to no other" {
  for who in root user; do
    as "$who"
    : >"$W/world/seen"
    net allow=api.test,web.test:8080 --credential 'api.test=Authorization:env:SECRET' \
      'for way in "" "--noproxy *" "-x socks5h://127.0.0.1:3128"; do
         curl -sSf $way https://api.test/ -H "authorization: mine" -o /dev/null &&
         curl -sSf $way http://api.test/ -o /dev/null || exit 1
       done
       python3 -c "import urllib.request as u; u.urlopen(\"https://api.test/\")" &&
       curl -sSf http://web.test:8080/none -o /dev/null'
    [ "$status" -eq 0 ]
    [ "$(seen_header Authorization | sort | uniq -c | tr -s ' ')" = " 7 $SECRET" ]
    # What was asked for in the clear went by TLS, too.
    [ "$(seen tls | sort | uniq -c | tr -s ' ' | tr '\n' ,)" = " 1 False, 7 True," ]
  done
}

@test "the secret is nowhere inside, and not in the gate's name either" {
  handle=$(sandpit create -p local --network allow=api.test \
    --credential 'api.test=X-Key:env:SECRET')
  run sandpit exec "$handle" 'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\0" "\n"
    grep -rs s3cr3t /etc /tmp /run /workspace /root; curl -sS https://api.test:444/ http://api.test:1/
    curl -sS -X "BAD METHOD" http://api.test/; ls /proc'
  [[ $output != *s3cr3t-0123* ]]
  run sandpit inspect "$handle"
  [[ $output != *s3cr3t* ]]
  run grep -rs s3cr3t "$SANDPIT_STATE_DIR"
  [ "$output" = "" ]
  run bash -c "cat /proc/$(json '["gate_pid"]' <<<"$(sandpit inspect "$handle")")/{cmdline,environ}"
  [ "$output" = "sandpit-gate" ]
}

@test "with a credential the other side is checked, and only its host is spoken to" {
  net allow=api.test,other.test --credential 'other.test=X-Key:env:SECRET' \
    'curl -sS https://other.test/; curl -sSk https://other.test/
     curl -sS -H "Host: api.test" https://other.test/
     curl -sS --connect-to api.test:443:other.test:443 https://api.test/'
  [[ $output == *"cannot be reached: TLS: hostname mismatch"* ]]
  [[ $output == *"blocked by sandbox policy: api.test:443 was named on a connection to another host"* ]]
  nothing_seen
  # The authority inside signs for nobody else, and is known inside only.
  net allow=api.test --credential 'api.test=X-Key:env:SECRET' \
    -- python3 -c 'import os, subprocess
text = open(os.environ["SSL_CERT_FILE"]).read()
last = text[text.rindex("-----BEGIN"):]
print(subprocess.run(["openssl", "x509", "-noout", "-text"], input=last, text=True,
                     capture_output=True).stdout)'
  [[ $output == *"Name Constraints: critical"*Permitted:* ]]
  [[ $output == *"DNS:api.test"* ]]
}

@test "a credential that could not be used, or is not there, is an error" {
  run -125 --separate-stderr sandpit run -p local --network allow=web.test \
    --credential 'api.test=X-Key:env:SECRET' true
  [[ $stderr == *'host "api.test" is not allowed'* ]]
  run -125 --separate-stderr sandpit run -p local --network allow=web.test \
    --credential 'web.test=X-Key:env:NO_SUCH_VARIABLE' true
  [[ $stderr == *NO_SUCH_VARIABLE* ]]
  run -125 --separate-stderr sandpit run -p local --network allow=web.test \
    --credential 'web.test=X-Key:typed-here' true
  [[ $stderr != *typed-here* ]]
  echo "$SECRET" >"$W/secret"
  net allow=api.test --credential "api.test=X-Key:Token @$W/secret" 'curl -sSf https://api.test/ -o /dev/null'
  [ "$status" -eq 0 ]
  [ "$(seen_header X-Key)" = "Token $SECRET" ]
}

# --- Ports ------------------------------------------------------------------------------------------

serves='import http.server, os, sys
os.chdir("/workspace"); open("file", "w").write("from inside\n")
http.server.ThreadingHTTPServer((sys.argv[1], 8000), http.server.SimpleHTTPRequestHandler).serve_forever()'

@test "a published port leads inside, whatever the network, on IPv4 and IPv6" {
  for who in root user; do
    as "$who"
    for how in "none 127.0.0.1" "allow=web.test ::1"; do
      handle=$(sandpit create -p local -P 8123:8000 --network "${how% *}")
      run sandpit inspect "$handle"
      [ "$(json '["ports"]' <<<"$output")" = '[{"port": 8000, "host_port": 8123}]' ]
      sandpit exec -t 20 "$handle" -- python3 -c "import socket,http.server
if '${how#* }' == '::1': http.server.ThreadingHTTPServer.address_family = socket.AF_INET6
$serves" "${how#* }" >/dev/null 2>&1 3>&- 8>&- &
      server=$!
      wait_until 10 world curl -sf http://127.0.0.1:8123/file -o "$W/got"
      [ "$(cat "$W/got")" = "from inside" ]
      sandpit destroy "$handle"
      wait "$server" || :
      run world curl -sf http://127.0.0.1:8123/file
      [ "$status" -eq 7 ]
    done
  done
}

@test "who lets a port be chosen is told which it is" {
  local port
  as root
  run --separate-stderr sandpit create -p local -P 8000
  handle=$output
  port=$(sandpit inspect "$handle" | json '["ports"][0]["host_port"]')
  [ "$stderr" = "sandpit: port 8000 is at http://127.0.0.1:$port" ]
  sandpit destroy "$handle"
  run --separate-stderr sandpit create -p local -P 8000 -q
  [ "$stderr" = "" ]
  sandpit destroy "$output"
}

@test "a port that is taken is an error before there is a sandbox" {
  run -125 --separate-stderr sandpit create -p local -P 8088:80
  [[ $stderr == *"publish port 80 at 127.0.0.1:8088: Address already in use"* ]]
  [ "$(sandpit list -p local --json)" = "[]" ]
}

@test "port forwards until it is told to stop, or the sandbox ends" {
  handle=$(sandpit create -p local)
  sandpit exec -t 20 "$handle" -- python3 -c "$serves" 127.0.0.1 >/dev/null 2>&1 3>&- 8>&- &
  mkfifo "$W/url"
  for end in signal destroy; do
    nsenter -t "$WORLD_PID" -n -m -- sandpit port "$handle" 8000 >"$W/url" 3>&- 8>&- &
    forwarder=$!
    read -r url <"$W/url"
    wait_until 10 world curl -sf "$url/file" -o "$W/got"
    [ "$(cat "$W/got")" = "from inside" ]
    if [ "$end" = signal ]; then kill -TERM "$forwarder"; else sandpit destroy "$handle"; fi
    wait "$forwarder"
    run world curl -sf "$url/file"
    [ "$status" -eq 7 ]
  done
  run -125 sandpit port "$handle" 8000
}

# --- nat ------------------------------------------------------------------------------------------

@test "nat reaches the world and its names, not the host's loopback" {
  for who in root user; do
    as "$who"
    : >"$W/world/seen"
    net nat 'curl -sS -m 5 http://203.0.113.7/nat -o /dev/null && getent hosts any.name.test
      for a in 127.0.0.1 $(ip route | sed -n "s/^default via \([0-9.]*\).*/\1/p"); do
        curl -sS -m 1 http://$a:8088/; done'
    [[ $output == *203.0.113.8*any.name.test* ]]
    [ "$(seen path)" = /nat ]
  done
}

# Hide programs of the world for one test.
hide() { # PATH...
  touch "$W/nothing"
  local path
  for path; do world mount --bind "$W/nothing" "$path"; done
}

@test "slirp4netns does it where pasta is not, and without both it is said what to do" {
  local pasta slirp doctor
  pasta=$(command -v pasta) slirp=$(command -v slirp4netns)
  hide "$pasta"
  for who in root user; do
    as "$who"
    net nat 'curl -sS -m 5 http://203.0.113.7/slirp -o /dev/null; getent hosts any.name.test
      curl -sS -m 1 http://10.0.2.2:8088/'
    [[ $output == *203.0.113.8*any.name.test* ]]
  done
  [ "$(seen path | tr -d '\n')" = /slirp/slirp ]
  hide "$slirp"
  net nat true
  doctor=$(world sandpit doctor | grep '^network nat')
  world umount "$pasta" "$slirp"
  [ "$status" -eq 125 ]
  [[ $doctor == *" off "*"apt install passt"* ]]
  [[ $stderr == *"install the package passt (or slirp4netns)"* ]]
}

# --- Life -----------------------------------------------------------------------------------------

# Processes of a gate and what they started, by the gate's number.
gate_of() { # HANDLE
  sandpit inspect "$1" | json '["gate_pid"]'
}

gone() { # PID...
  local pid
  for pid; do
    [ "$(sed 's/.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null)" = Z ] || [ ! -e "/proc/$pid" ] || return 1
  done
}

@test "whichever process of it is killed, all of it ends, and the way out with it" {
  for network in allow=web.test nat; do
    for which in gate 1 2 3 supervisor; do
      # The parts of nat that allow has, too, are killed there.
      [ "$network$which" != nat1 ] && [ "$network$which" != nat3 ] || continue
      handle=$(sandpit create -p local --network "$network")
      gate=$(gate_of "$handle")
      mapfile -t parts < <(pgrep -P "$gate")
      case $which in
      gate) victim=$gate ;;
      supervisor) victim=$(sandpit inspect "$handle" | json '["supervisor_pid"]') ;;
      *) victim=${parts[$((which - 1))]-} ;;
      esac
      [ -n "$victim" ] || continue
      kill -9 "$victim"
      wait_until 5 gone "$gate" "${parts[@]}"
      if [ "$which" != supervisor ]; then
        [[ "$(sandpit inspect "$handle" | json '["gate"]')" == ended* ]]
        run sandpit exec "$handle" 'curl -sS -m 2 http://203.0.113.7/; curl -sS -m 2 http://web.test/'
        [ "$status" -ne 0 ]
      fi
      sandpit destroy "$handle"
    done
  done
  nothing_seen
}

@test "a run that is killed takes its sandbox and its gate along" {
  nsenter -t "$WORLD_PID" -n -m -- sandpit run -p local --network allow=web.test -- \
    sleep 100 >/dev/null 2>&1 3>&- 8>&- &
  starter=$!
  has_gate() { [ "$(sandpit list -p local --json)" != "[]" ] && gate=$(gate_of "$(sandpit list --json | json '[0]["id"]')"); }
  wait_until 10 has_gate
  kill -9 "$starter"
  wait "$starter" || :
  wait_until 10 gone "$gate"
  nobody_left() { [ "$(sandpit list -p local --json)" = "[]" ]; }
  wait_until 10 nobody_left
}

@test "the gate's halves have nothing they could do harm with" {
  handle=$(sandpit create -p local --network allow=web.test)
  gate=$(gate_of "$handle")
  mapfile -t parts < <(pgrep -P "$gate")
  outer=${parts[1]}
  grep -q '^Uid:	65534' "/proc/$outer/status"
  grep -q '^CapEff:	0000000000000000' "/proc/$outer/status"
  grep -q '^NoNewPrivs:	1' "/proc/$outer/status"
  grep -q '^Seccomp:	2' "/proc/$outer/status"
  grep -q '^CapEff:	0000000000000400' "/proc/${parts[0]}/status"
  run ! grep -q '^Uid:	0	' "/proc/${parts[0]}/status"
}
