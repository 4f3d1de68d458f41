#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kill whoever is involved in local sandboxes, at random, for SECONDS, in a world of its own:
#
#   tests/soak/run.sh SECONDS [SEED]
#
# B is the folder of the programs, REAPER the helper that adopts what loses its parent.
set -eu -o pipefail
: "${B:?the folder of the programs}"
: "${REAPER:=$B/tests/helpers/reaper}"
here=$(cd "$(dirname "$0")" && pwd)
W=$(mktemp -d "${TMPDIR:-/tmp}/sandpit-soak.XXXXXX")
trap 'rm -rf --one-file-system "$W"' EXIT
mkdir -m 700 "$W"/{state,run,home}
export SANDPIT_STATE_DIR=$W/state XDG_RUNTIME_DIR=$W/run HOME=$W/home XDG_CONFIG_HOME=$W/home
export XDG_CACHE_HOME=$W/home DOCKER_HOST=unix://$W/no.sock PATH=$B:$PATH
seed=${2:-$RANDOM}
echo "seed $seed"
"$REAPER" $(($1 + 200)) python3 "$here/soak.py" "$1" "$seed" remove
