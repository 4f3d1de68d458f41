#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Find what is missing and install it, with apt where we may, else say what to type.
#
#   tests/deps.sh build|test|vm|lint|bench
#
# Silent and quick when everything is there.  Needs nothing itself but a POSIX shell.
set -u

goal=${1:-build}
packages=

need() { # PACKAGE
  case " $packages " in
  *" $1 "*) ;;
  *) packages="${packages:+$packages }$1" ;;
  esac
}

# tool COMMAND PACKAGE
tool() {
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || need "$2"
}

# file PACKAGE PATH...: one of these, after globbing, is there.
file() {
  wanted=$1
  shift
  for candidate; do
    [ -e "$candidate" ] && return
  done
  need "$wanted"
}

# module PACKAGE NAME: pkg-config knows it.
module() {
  pkg-config --exists "$2" 2>/dev/null || need "$1"
}

need_build() {
  tool cc gcc
  tool make make
  tool ar binutils
  tool pkg-config pkg-config
  file libc6-dev /usr/include/stdio.h
  # One call while nothing is missing; each by itself to find out what is.
  if ! pkg-config --exists libcurl json-c libseccomp libcap openssl 2>/dev/null; then
    module libcurl4-openssl-dev libcurl
    module libjson-c-dev json-c
    module libseccomp-dev libseccomp
    module libcap-dev libcap
    module libssl-dev openssl
  fi
  # The runner is static, and starts fastest with musl.
  tool musl-gcc musl-tools
  file libcap-dev /usr/lib/*/libcap.a /usr/lib/libcap.a /usr/lib64/libcap.a
}

need_test() {
  need_build
  file libcmocka-dev /usr/include/cmocka.h
  tool prove perl
  tool bats bats
  tool python3 python3
  tool git git
  tool tar tar
  tool node nodejs
  tool setpriv util-linux
  tool newuidmap uidmap
  tool unshare util-linux
  tool mount mount
  tool ps procps
  tool ip iproute2
  tool curl curl
  tool openssl openssl
  tool pasta passt
  tool slirp4netns slirp4netns
  tool strace strace
  file time /usr/bin/time
  tool dockerd docker.io
}

need_vm() {
  need_test
  tool qemu-system-x86_64 qemu-system-x86
  file seabios /usr/share/seabios/bios-256k.bin
  tool cpio cpio
  tool busybox busybox-static
}

need_lint() {
  need_build
  file libcmocka-dev /usr/include/cmocka.h
  tool clang clang
  file libclang-rt-14-dev /usr/lib/*/clang/*/lib/linux/libclang_rt.fuzzer-*.a \
    /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
  tool clang-format clang-format
  tool clang-tidy clang-tidy
  tool cppcheck cppcheck
  tool shellcheck shellcheck
  tool bats bats
}

need_bench() {
  need_build
  tool python3 python3
  tool setpriv util-linux
  tool bwrap bubblewrap
  tool runc runc
  tool curl curl
  tool dockerd docker.io
}

# --- Installing ----------------------------------------------------------------------------
policy=/usr/sbin/policy-rc.d
own_policy=

# A package must not start a service on somebody's machine because our tests need its
# program.  The policy is ours only if none was there, and never outlives this script.
hold_services() {
  as_root test -e "$policy" && return
  trap release_services EXIT
  trap 'exit 1' HUP INT TERM
  own_policy=1
  as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
}

release_services() {
  [ -z "$own_policy" ] || as_root rm -f "$policy"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@"
}

apt_install() {
  # shellcheck disable=SC2086 # a list of names
  apt install --no-install-recommends $packages >/dev/null
}

install_packages() {
  echo "sandpit: installing what is missing: $packages" >&2
  hold_services
  # A fresh machine has no lists yet, an old one may have outdated ones.
  apt_install || { apt update >/dev/null && apt_install; }
}

may_install() {
  command -v apt-get >/dev/null 2>&1 || return 1
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

give_up() {
  echo "sandpit: $1; on Debian 12 type: sudo apt-get install --no-install-recommends $packages" >&2
  exit 1
}

case $goal in
build | test | vm | lint | bench) "need_$goal" ;;
*)
  echo "usage: deps.sh build|test|vm|lint|bench" >&2
  exit 2
  ;;
esac
[ -n "$packages" ] || exit 0
may_install || give_up "missing, and not allowed to install it"
install_packages || give_up "could not install what is missing"

packages=
"need_$goal"
[ -z "$packages" ] || give_up "still missing after installing"
