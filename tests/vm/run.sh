#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of control groups on real hosts of every layout, each a small virtual machine:
# qemu without KVM, Debian's cloud kernel, and of this machine's own programs as many as
# the tests need, all in one memory file system.  Prints TAP.
#
#   tests/vm/run.sh [v2] [hybrid] [v1]
#
# B is the build folder.  SP_VM_SHELL=1 gives a shell on the console instead; SP_VM_STEPS
# names some of the steps, like cgroup,limits.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 2
: "${B:=$PWD/build}"
vm=$B/vm
layouts=(v2 hybrid v1)
[ $# -eq 0 ] || layouts=("$@")

# Whose programs the tests run, inside sandboxes and around them.
packages="bash dash coreutils grep sed findutils util-linux util-linux-extra mount procps mawk
  tar hostname bats libc-bin ncurses-bin python3.11-minimal python3-minimal
  libpython3.11-minimal libpython3.11-stdlib"
boot_seconds=900
memory=3072

die() {
  echo "Bail out! $*"
  exit 2
}

# --- The kernel ----------------------------------------------------------------------------
kernel_package() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null |
    sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1
}

# Unpacked beside the build; nothing of it is installed here.
fetch_kernel() {
  local name
  [ -e "$vm/kernel/done" ] && return
  name=$(kernel_package)
  [ -n "$name" ] || die "apt knows no linux-image-cloud-amd64"
  rm -rf "$vm/kernel" "$vm"/linux-image-*.deb
  (cd "$vm" && apt-get -qq download "$name" 2>/dev/null) || die "cannot download $name"
  dpkg-deb -x "$vm"/linux-image-*.deb "$vm/kernel" || die "cannot unpack $name"
  rm -f "$vm"/linux-image-*.deb
  touch "$vm/kernel/done"
}

# --- The file system -----------------------------------------------------------------------
package_files() {
  local package
  for package in $packages; do
    dpkg -L "$package" 2>/dev/null
  done | grep -Ev '^/usr/share/(doc|man|locale|lintian|bash-completion|pixmaps|apport|bug|info)(/|$)' |
    grep -Ev '/(__pycache__|test|lib2to3|idlelib|ensurepip)(/|$)|^/var|^/etc/(init|cron|pam|default)' |
    sed 's,^/\(bin\|sbin\|lib\|lib64\)/,/usr/\1/,' | sort -u |
    while read -r file; do
      if [ -L "$file" ] || [ -f "$file" ]; then echo "$file"; fi
    done
}

libraries_of() { # FILE...
  ldd "$@" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' |
    sed 's,^/\(lib\|lib64\)/,/usr/\1/,' | sort -u
}

copy_host_programs() { # ROOT
  local list=$vm/files
  package_files >"$list"
  tar -C / -cf - -T <(sed 's,^/,,' "$list") 2>/dev/null | tar -C "$1" -xf - || die "copy programs"
  # shellcheck disable=SC2046 # names of ours
  libraries_of $(find "$1/usr/bin" "$1/usr/sbin" "$1/usr/lib" -type f \( -perm -100 -o -name '*.so*' \)) \
    "$B/sandpit" "$B/tests/conformance/conformance" "$B"/tests/unit/test_cgroup >"$vm/libraries"
  tar -C / -chf - -T <(sed 's,^/,,' "$vm/libraries") | tar -C "$1" -xf - || die "copy libraries"
  ln -sf usr/bin usr/sbin usr/lib usr/lib64 "$1/"
  # Links of alternatives and the like.
  ln -sf mawk "$1/usr/bin/awk"
  ln -sf python3.11 "$1/usr/bin/python3"
}

copy_ours() { # ROOT
  mkdir -p "$1/vm/tests"
  cp -r "$B"/sandpit "$B"/sandpit-[a-z]* "$B/share" "$1/vm/"
  cp -r tests/system tests/conformance tests/helpers "$1/vm/tests/"
  mkdir -p "$1/vm/build/tests/helpers" "$1/vm/tests/vm"
  cp tests/vm/*.bats tests/vm/start tests/vm/steps "$1/vm/tests/vm/"
  cp "$B"/tests/helpers/{storm,defiant} "$1/vm/build/tests/helpers/"
  cp "$B"/tests/conformance/conformance "$B"/tests/unit/test_cgroup "$1/vm/"
  find "$vm/kernel" -name overlay.ko -exec cp '{}' "$1/vm/" \;
  chmod -R go+rX "$1/vm"
}

make_etc() { # ROOT
  mkdir -p "$1"/{etc,proc,sys,dev,run,tmp,root,home,var/tmp,new}
  printf '%s\n' root:x:0:0::/root:/bin/sh \
    nobody:x:65534:65534::/:/bin/false >"$1/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: >"$1/etc/group"
  printf 'passwd: files\ngroup: files\n' >"$1/etc/nsswitch.conf"
  chmod 1777 "$1/tmp" "$1/var/tmp"
}

# Uncompressed: the emulated machine would need longer to unpack it than to read it.
make_image() {
  local root=$vm/root
  rm -rf "$root" "$vm/image"
  mkdir -p "$root/usr"/{bin,sbin,lib,lib64}
  copy_host_programs "$root"
  copy_ours "$root"
  make_etc "$root"
  cp /bin/busybox "$root/vm/busybox" || die "no busybox"
  cp tests/vm/init "$root/init"
  chmod 755 "$root/init" "$root/vm/tests/vm/start" "$root/vm/tests/vm/steps"
  (cd "$root" && find . -print0 | cpio -0 -o -H newc --quiet -R +0:+0) >"$vm/image" || die "no image"
}

# --- A run -----------------------------------------------------------------------------------
boot() { # LAYOUT
  local mode=tests
  [ -z "${SP_VM_SHELL-}" ] || mode=shell
  timeout --foreground "$boot_seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 \
    -m "$memory" -nodefaults -no-user-config -nographic -no-reboot -serial stdio \
    -kernel "$vm"/kernel/boot/vmlinuz-* -initrd "$vm/image" \
    -append "console=ttyS0 loglevel=1 panic=-1 mitigations=off sandpit.layout=$1 sandpit.mode=$mode sandpit.steps=${SP_VM_STEPS-unit,conformance,cgroup,limits}"
}

# The lines of one machine, its name in each test's, and whether it came to an end.
taken() { # LAYOUT
  local line begun='' ended='' bad=0
  while IFS= read -r line; do
    line=${line//$'\r'/}
    case $begun$line in
    *@@begin*) begun=yes ;; # what the firmware says has no end of line
    yes@@end) ended=yes ;;
    yes1..*) ;;
    "yesok "* | "yesnot ok "*)
      [ "${line#not}" = "$line" ] || bad=1
      # shellcheck disable=SC2001 # an expansion knows no digits in a row
      sed "s/ok [0-9]* \(- \)\?/ok - $1: /" <<<"$line"
      ;;
    yes*) printf '# %s\n' "$line" ;;
    esac
  done
  [ -n "$ended" ] || echo "not ok - $1: the machine came to its end"
  [ -n "$ended" ] && [ "$bad" = 0 ]
}

command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86_64 is missing"
[ "$(uname -m)" = x86_64 ] || die "only for x86_64"
mkdir -p "$vm"
fetch_kernel
make_image
if [ -n "${SP_VM_SHELL-}" ]; then
  boot "${layouts[0]}"
  exit
fi
status=0
for layout in "${layouts[@]}"; do
  boot "$layout" </dev/null | taken "$layout" || status=1
done
exit "$status"
