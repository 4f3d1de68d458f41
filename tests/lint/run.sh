#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that judges the source without running it.  A step that finds something says
# what and where, and the rest goes on, so that one run shows all.
#
#   tests/lint/run.sh [STEP...]
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 2
: "${B:=$PWD/build}"
jobs=$(nproc)
export LC_ALL=C.UTF-8
unset MAKEFLAGS MFLAGS MAKELEVEL

all_steps="layers spdx words format shellcheck gcc clang banned cppcheck tidy"

# Everything of ours and nothing that was built or fetched.
files() {
  git ls-files -co --exclude-standard -- "$@"
}

sources() {
  files '*.c'
}

scripts() {
  files '*.sh' '*.bash' '*.bats' .ci/run tests/run-one
}

# --- Steps: silent and true, or what is wrong --------------------------------------------
lint_layers() {
  tests/lint/layers.sh
}

lint_spdx() {
  { files '*.c' '*.h' Makefile; scripts; } | while read -r file; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
      echo "$file: no SPDX line at its top"
  done | grep . && return 1
  return 0
}

# Work left for later is an issue, not a comment.
lint_words() {
  files '*.[ch]' '*.sh' '*.bash' '*.bats' Makefile README.md docs |
    xargs grep -nE 'TO''DO|FIX''ME|\bX''XX\b|HA''CK' && return 1
  return 0
}

lint_format() {
  files '*.[ch]' | xargs clang-format --dry-run -Werror
}

# In bats each test is a subshell, its variables come from elsewhere, and what is quoted is
# meant for the sandbox.
lint_shellcheck() {
  scripts | grep -v '\.ba[ts][hs]$' | xargs shellcheck -x -P SCRIPTDIR || return
  scripts | grep '\.ba[ts][hs]$' | xargs shellcheck -x -P SCRIPTDIR -P tests/helpers \
    -e SC2015,SC2016,SC2030,SC2031,SC2034,SC2119,SC2120,SC2154
}

quiet_make() { # COMPILER CFLAGS TARGET
  make -s -k -j"$jobs" CI=true CC="$1" B="$B/lint/$1" CFLAGS="$2" "$3" | sed '/^  [A-Z]* /d'
}

# Both compilers are silent; gcc looks at every path through the product as well.
lint_gcc() {
  rm -rf "$B/lint/gcc"
  quiet_make gcc "-O2 -g $analyzer" all && quiet_make gcc -O2 tests-built
}

lint_clang() {
  rm -rf "$B/lint/clang"
  # clang 14 does not know that being released is a use; gcc does.
  quiet_make clang '-O1 -Wno-unused-variable' tests-built
}

# Left to the sanitizers: leaks, because gcc 12 takes what a struct owns for lost and the other
# tools do not know that a cleanup attribute releases; values that might not be set, because
# each tool looks at one file and does not know that what fails in another returns below 0.
analyzer='-fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-use-of-uninitialized-value'
analyzer+=' -Wno-analyzer-null-dereference -Wno-analyzer-null-argument'

# Calls with no bound, no error, or a shell behind them.
lint_banned() {
  local names='strcpy|strcat|stpcpy|sprintf|vsprintf|gets|system|popen|atoi|atol|mktemp|tmpnam|tempnam'
  local found
  found=$(find "$B/lint/gcc/obj" "$B/lint/gcc/static" -name '*.o' -exec nm -A -u '{}' + |
    grep -E " U (__)?($names)(_chk)?(@.*)?\$")
  [ -z "$found" ] || { printf 'banned call: %s\n' "$found"; return 1; }
}

lint_cppcheck() {
  sources | xargs cppcheck -q -j "$jobs" --std=c11 --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr -D_GNU_SOURCE -I. \
    --library=posix --suppress=missingIncludeSystem --suppress=resourceLeak --suppress=memleak \
    --suppress=invalidFunctionArg --suppress=invalidFunctionArgBool --suppress=readdirCalled \
    --suppress=autoVariables --suppress=varFuncNullUB "--suppress=leakReturnValNotUsed:tests/*"
}

# The product only: it takes as long as everything else together.
lint_tidy() {
  # musl.c is for another C library than the one that is looked at here.
  sources | grep -Ev '^tests/|^base/musl\.' | xargs -P "$jobs" -n 4 clang-tidy --quiet 2>/dev/null
}

# -------------------------------------------------------------------------------------------
failed=
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all_steps
for step; do
  started=$SECONDS
  output=$("lint_$step" 2>&1) && verdict=ok || verdict=FAILED
  printf '%-12s%s (%d s)\n' "$step" "$verdict" $((SECONDS - started))
  [ "$verdict" = ok ] && continue
  printf '%s\n' "$output"
  failed="$failed $step"
done
[ -z "$failed" ] || { echo "lint: findings in:$failed" >&2; exit 1; }
