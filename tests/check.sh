#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run the tests: all, one kind (unit replay conformance system lint), or one by NAME and,
# after it, those whose names hold the WORDS.  B is the build folder.
#
#   tests/check.sh [KIND | NAME [WORDS...]]
#
# SP_REQUIRE=userns,docker,... turns skips for these reasons into failures.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 2
: "${B:=$PWD/build}"
export B LC_ALL=C.UTF-8

die() {
  echo "check: $*" >&2
  exit 2
}

# --- Which tests -------------------------------------------------------------------------
names_of() { # KIND GLOB PREFIX SUFFIX
  local file
  for file in $2; do
    [ -e "$file" ] || continue
    file=${file##*/}
    file=${file#"$3"}
    echo "$1/${file%"$4"}"
  done
}

all_tests() {
  names_of unit 'tests/unit/test_*.c' test_ .c
  names_of replay 'tests/fuzz/fuzz_*.c' fuzz_ .c
  names_of lint 'tests/lint/*.bats' '' .bats
  names_of conformance 'tests/conformance/*.sh' '' .sh
  names_of system 'tests/system/*.bats' '' .bats
}

pick_tests() {
  local what=${1-}
  case $what in
  '') all_tests ;;
  unit) all_tests | grep -E '^(unit|replay)/' ;;
  replay | conformance | system | lint) all_tests | grep "^$what/" ;;
  */*) all_tests | grep -Fx "$what" ;;
  *) all_tests | grep -E "/${what//./\\.}\$" ;;
  esac
}

# --- A world of its own ------------------------------------------------------------------
make_world() {
  # Short, because the path of a socket has 108 bytes at most.
  world=$(mktemp -d /tmp/sandpit-check.XXXXXX) || die "no temporary folder"
  chmod 711 "$world"
  mkdir -m 700 "$world"/{home,run,config,cache,state,store,tap}
  mkdir -m 1777 "$world/tmp"
  export HOME=$world/home TMPDIR=$world/tmp SP_TAP=$world/tap
  export XDG_RUNTIME_DIR=$world/run XDG_CONFIG_HOME=$world/config XDG_CACHE_HOME=$world/cache
  export SANDPIT_STATE_DIR=$world/state SANDPIT_STORE_DIR=$world/store
  export PATH=$B:$PATH
  unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH SANDPIT_DATA_DIR \
    SANDPIT_LIBEXEC_DIR MAKEFLAGS MFLAGS MAKELEVEL
}

# shellcheck disable=SC2317 # called by the trap
remove_world() {
  # Whatever is mounted below must go first, or the files of others go with it.
  mounts_below | sort -r | while read -r target; do umount -l "$target"; done
  mounts_below | grep -q . || rm -rf --one-file-system "$world"
}

mounts_below() {
  awk -v top="$world/" 'index($5, top) == 1 { print $5 }' /proc/self/mountinfo
}

# --- What must be as it was before -------------------------------------------------------
cgroups_now() {
  find /sys/fs/cgroup -type d -name 'sandpit*' 2>/dev/null | sort
}

# Groups made meanwhile and with nobody in them; one in use belongs to somebody else,
# because the reaper has seen all of ours end.
cgroups_left() {
  local dir
  cgroups_now | comm -13 "$world/cgroups" - | while read -r dir; do
    [ -n "$(cat "$dir"/cgroup.procs "$dir"/*/cgroup.procs 2>/dev/null)" ] || echo "$dir"
  done
}

sandboxes_left() {
  [ -x "$B/sandpit" ] || return 0
  "$B/sandpit" list -p local --json 2>/dev/null | grep -F '"id"'
}

leftovers() {
  local tries=50
  while [ "$tries" -gt 0 ] && [ -n "$(cgroups_left)" ]; do
    tries=$((tries - 1))
    read -rt 0.1 <>"$world/never" || : # bounded wait: somebody else's may be going
  done
  cgroups_left | sed 's/^/control group /'
  mounts_below | sed 's/^/mount /'
  sandboxes_left | sed 's/^/sandbox /'
  find "$TMPDIR" -mindepth 1 -maxdepth 1 -printf 'temporary file %p\n'
}

# --- The summary ---------------------------------------------------------------------------
# A file that died with no test failing counts as one failure, and so does an empty one.
count() {
  local tap
  for tap in "$SP_TAP"/*.tap; do
    [ -e "$tap" ] || continue
    awk -v file="$(basename "$tap" .tap)" -v status="$(cat "${tap%.tap}.status")" '
      /^1\.\.0.*#/ { skip("all of it", $0) }
      /^1\.\.0$/ && !ENVIRON["SP_TEST_WORDS"] { failed++ }
      /^ok / { if (/# [Ss][Kk][Ii][Pp]/) skip($0, $0); else passed++ }
      /^not ok / { if (!/# [Tt][Oo][Dd][Oo]/) failed++ }
      function skip(name, why) {
        sub(/^ok [0-9]+ (- )?/, "", name); sub(/ *# [Ss][Kk][Ii][Pp].*/, "", name)
        sub(/.*# [Ss][Kk][Ii][Pp][a-z]*:? */, "", why)
        print "skip " file ": " name ": " (why == "" ? "no reason given" : why)
      }
      END {
        if (status != 0 && !failed) failed = 1
        print "count", passed + 0, failed + 0
      }' "$tap"
  done
}

summary() {
  count >"$world/counts"
  sed -n 's/^skip /skipped: /p' "$world/counts"
  awk '/^count / { p += $2; f += $3 } /^skip / { s++ }
    END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }' "$world/counts"
}

# -------------------------------------------------------------------------------------------
what=${1-}
[ $# -gt 0 ] && shift
export SP_TEST_WORDS=$*
mapfile -t tests < <(pick_tests "$what")
[ ${#tests[@]} -gt 0 ] || die "no test is named '$what'"
[ -x "$B/tests/helpers/reaper" ] || die "$B/tests/helpers/reaper is not built: make tests-built"

make_world
trap remove_world EXIT
trap 'exit 130' INT TERM
cgroups_now >"$world/cgroups"
mkfifo "$world/never"

prove ${SP_VERBOSE:+-v} --failures --comments --exec tests/run-one "${tests[@]}"
status=$?

left=$(leftovers)
if [ -n "$left" ]; then
  echo "left behind by the tests:"
  printf '%s\n' "$left"
  status=1
fi
summary || status=1
exit "$status"
