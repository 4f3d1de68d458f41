#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run the attempts of tests/system/containment.bats, and the same under the peers that are
# installed, and write what each got into docs/security.md, between the comments there.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
export B=${B:-$PWD/build}
export PATH=$B:$PATH
page=docs/security.md
SP_ROWS=$(mktemp -d)
export SP_ROWS
trap 'rm -rf "$SP_ROWS"' EXIT

heading() {
  case $1 in
  files) echo "Files, devices, kernel settings" ;;
  process) echo "Processes" ;;
  calls) echo "System calls" ;;
  net) echo "Network and sockets" ;;
  given) echo "What is handed in, and privileges" ;;
  limits) echo "Limits" ;;
  esac
}

# The rows of one family for the three kinds, side by side; calls that are refused by name
# and end alike share a row.
table() { # FAMILY
  echo
  echo "**$(heading "$1")**"
  echo
  echo "| attempt | root inside | user 1000 inside | root inside, started by a user |"
  echo "|---|---|---|---|"
  awk -F ' [|] ' -v family="$1" '
    function is_name(key) { return family == "calls" && key ~ /^[a-z_0-9]+$/ }
    FNR == 1 { kind++ }
    /^ok / {
      sub(/^ok [^:]*: /, "", $1)
      if (kind == 1) order[++count] = $1
      got[$1, kind] = $2
    }
    function line(what, key) {
      printf "| %s | %s | %s | %s |\n", what, got[key, 1], got[key, 2], got[key, 3]
    }
    END {
      for (i = 1; i <= count; i++) {
        key = order[i]
        if (!is_name(key)) continue
        if (got[key, 1] got[key, 2] got[key, 3] != "EPERMEPERMEPERM") {
          line("call " key, key)
          continue
        }
        names = names (names ? ", " : "") key
        alike = key
      }
      if (names) line("calls " names, alike)
      for (i = 1; i <= count; i++)
        if (!is_name(order[i])) line(order[i], order[i])
    }' "$SP_ROWS/root-$1" "$SP_ROWS/user-$1" "$SP_ROWS/rootless-$1"
}

bats -f 'inside' tests/system/containment.bats >&2
tests/helpers/peers.sh
{
  sed '/^<!-- peers -->/q' "$page"
  echo
  python3 tests/helpers/peer-table.py "$SP_ROWS"
  echo
  sed -n '/^<!-- end of peers -->/,/^<!-- attempts -->/p' "$page"
  for family in files process calls net given limits; do table "$family"; done
  echo
  sed -n '/^<!-- end of attempts -->/,$p' "$page"
} >"$SP_ROWS/page"
cat "$SP_ROWS/page" >"$page"
