#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Run the attempts of tests/helpers/attack_*.c under bubblewrap and docker run, with the
# options people give them, and leave what each got in $SP_ROWS/KIND-FAMILY:
#
#   bwrap   by an ordinary user: all namespaces, /usr, a /proc, a /dev, a /tmp of its own
#   docker  by root: its defaults, without a network, since this engine has no bridge;
#           for the limits with those it has options for
#
# A peer that is not there is left out.
set -eu -o pipefail
: "${B:?the build folder}" "${SP_ROWS:?where the rows go}"
cd "$(dirname "$0")/../.."
BATS_TEST_DIRNAME=$PWD/tests/system

# What bats would give helper-contain.bash.
# shellcheck disable=SC1090
load() { . "$BATS_TEST_DIRNAME/$1.bash"; }
bats_require_minimum_version() { :; }
# shellcheck source=SCRIPTDIR/../system/helper-contain.bash
. tests/system/helper-contain.bash
# shellcheck source=SCRIPTDIR/dockerd.sh
. tests/helpers/dockerd.sh

# PEER FAMILY: with the same things in reach as run_attack has.  What it ends with is no
# matter: a row that is missing is one that ended the program.
attack_peer() {
  (
    trap '' HUP
    "$1" "$2" <"$W/file" 7</ 9<"$W/file"
  ) >"$SP_ROWS/$1-$2" 2>"$SP_ROWS/$1-$2.log" || :
  kill -0 "$HOST_PID" || echo "peers: $1 $2 ended a process of the host" >&2
}

bwrap() { # FAMILY
  local run=()
  [ "$(id -u)" != 0 ] || run=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
  timeout 120 "${run[@]}" "$(type -P bwrap)" --unshare-all --die-with-parent --ro-bind /usr /usr \
    --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc \
    --dev /dev --tmpfs /tmp --ro-bind "$W/attacks" /attacks "/attacks/attack_$1"
}

docker() { # FAMILY
  local options=()
  [ "$1" != limits ] || options=(--pids-limit 32 --ulimit nofile=64:64)
  timeout 120 "$(type -P docker)" run --rm -i --network none "${options[@]}" -v "$W/attacks:/attacks:ro" \
    -e HOST_PID -e HOST_PORT -e HOST_SOCKET -e HOST_SHM -e HOST_FILE peers "/attacks/attack_$1"
}

# An image of folders and one program, as the attempts expect them to be there.
import_image() {
  mkdir -p "$W"/image/{root,home,var/tmp,run,srv,tmp,etc/ssl/certs,usr/bin,workspace}
  cp "$W/attacks/attack_files" "$W/image/usr/bin/true"
  printf '%s\n' root:x:0:0::/: user:x:1000:1000::/: nobody:x:65534:65534::/: >"$W/image/etc/passwd"
  tar -C "$W/image" -c . | "$(type -P docker)" import - peers >/dev/null
}

finish() {
  dockerd_stop || echo "peers: the engine left something behind" >&2
  remove_host || :
}
make_host
trap finish EXIT
peers=()
type -P bwrap >/dev/null && peers+=(bwrap)
# shellcheck disable=SC2119 # no options
if ! dockerd_missing >&2 && dockerd_start; then
  import_image
  peers+=(docker)
fi
for peer in "${peers[@]}"; do
  for family in files process calls net given limits; do
    attack_peer "$peer" "$family"
  done
done
bwrap_version=$(bwrap=$(type -P bwrap) && "$bwrap" --version)
echo "$bwrap_version; Docker $(type -P docker >/dev/null && "$(type -P docker)" version -f '{{.Server.Version}}')" >"$SP_ROWS/versions"
uname -n >"$SP_ROWS/host-name"
