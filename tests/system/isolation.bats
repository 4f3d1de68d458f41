#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The layers of the local sandbox one by one: each is looked at from where it shows, which
# for most is the host.  As root, and as an ordinary user.
#
# shellcheck disable=SC2154 # run sets stderr
load helper

setup() {
  make_world
  export P=local AS_USER=''
  kept=
}

teardown() {
  [ -z "$kept" ] || sandpit destroy "$kept"
  remove_world
}

# The command as the host's root or as an ordinary user.
as() { # root|rootless
  require userns
  require "$1"
  [ "$1" = root ] && return
  AS_USER=1
  copy_programs
  chown -R 65534:65534 "$W"/{home,state,run,config,cache}
}

has_landlock() {
  python3 -c 'import ctypes,sys; sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < '"${1:-1}"')' ||
    skip "landlock: the kernel has no Landlock ABI ${1:-1}"
}

# Device nodes, even the one anybody may make, a whiteout; nothing else is lost.
landlock_probe='
import fcntl, os, termios
def tries(name, what):
    try: what(); print(name, "worked")
    except OSError as e: print(name, e.strerror)
def ask(path):
    with open(path) as f: fcntl.ioctl(f, termios.TCGETS, b"x" * 100)
tries("device", lambda: os.mknod("/tmp/node", 0o020600, 0))
tries("fifo", lambda: os.mkfifo("/tmp/fifo"))
tries("top", lambda: os.mkdir("/top"))
tries("move", lambda: (open("/tmp/x", "w").close(), os.rename("/tmp/x", "/workspace/x")))
tries("link", lambda: os.link("/workspace/x", "/top/y"))
tries("shared memory", lambda: open("/dev/shm/x", "w").close())
tries("terminal", lambda: os.ttyname(os.openpty()[1]))
tries("null", lambda: ask("/dev/null"))
'
landlock_works() {
  has_landlock 5
  as "$1"
  kept=$(new_sandbox)
  local expected=$'device Permission denied\nfifo worked\ntop worked\nmove worked\nlink worked
shared memory worked\nterminal worked\nnull Permission denied'
  run sprun --lang python -f - <<<"$landlock_probe"
  [ "$output" = "$expected" ]
  run sandpit exec --lang python -f - "$kept" <<<"$landlock_probe"
  [ "$output" = "$expected" ]
}

@test "Landlock refuses devices and nothing that programs do" { landlock_works root; }
@test "Landlock refuses devices and nothing that programs do, started by a user" { landlock_works rootless; }

@test "of one run the processes trace each other, of two execs they do not" {
  has_landlock
  as root
  kept=$(new_sandbox)
  run sprun 'sleep 100 & readlink "/proc/$!/cwd"; kill "$!"'
  [ "$output" = /workspace ]
  coproc first { sandpit exec "$kept" 'echo $$; read -r line'; }
  local to=${first[1]} pid=$first_PID number
  read -rt 20 -u "${first[0]}" number
  run sandpit exec "$kept" "readlink /proc/$number/cwd || echo refused; kill -0 $number && echo signalled"
  echo >&"$to"
  wait "$pid"
  [ "$output" = $'refused\nsignalled' ]
}
