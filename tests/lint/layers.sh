#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The order of layers (docs/design.md, section 2), checked on every #include of a file:
# to the left or within the own group, never to the right, never a neighbour.
#
#   tests/lint/layers.sh [FOLDER]        the tree to look at, default this one
set -eu
cd "${1:-$(dirname "$0")/../..}"

# shellcheck disable=SC2016 # the program is awk's
find include base seccomp images engine runtime providers sandbox cli -name '*.[ch]' 2>/dev/null |
  sort | xargs awk '
  # A rank, and a group whose members may see each other.
  function group(path) {
    if (path ~ /facade\.[ch]$/) return "facade"
    if (path ~ /^providers\/(provider|call|background|life|check|info|lists|file_work)\./) return "provider"
    if (path ~ /^providers\/[^\/]+$/) return "manager"
    if (path ~ /^providers\/[^\/]+\//) { split(path, part, "/"); return "driver " part[2] }
    sub(/\/.*/, "", path)
    return path
  }
  function rank(g) {
    sub(/ .*/, "", g)
    if (!(g in order)) { print FILENAME ": no layer for " g > "/dev/stderr"; bad = 1; return 99 }
    return order[g]
  }
  BEGIN {
    n = split("include base seccomp,images,engine,runtime provider driver manager sandbox facade cli", level, " ")
    for (i = 1; i <= n; i++) { m = split(level[i], name, ","); for (j = 1; j <= m; j++) order[name[j]] = i }
  }
  /^[ \t]*#[ \t]*include[ \t]+"/ {
    split($0, quoted, "\""); from = group(FILENAME); to = group(quoted[2])
    if (quoted[2] !~ /\//) { print FILENAME ":" FNR ": include " quoted[2] " by its path from the top"; bad = 1; next }
    if (from != to && rank(to) >= rank(from)) {
      print FILENAME ":" FNR ": " from " must not include " quoted[2] " (" to ")"; bad = 1
    }
  }
  END { exit bad }'
