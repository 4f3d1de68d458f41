#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2119 # dockerd_start takes options, and needs none
# Measure sandpit beside the floor and the peers that are installed, in one run, and write
# JSON lines to build/bench/.  B is the build folder, N the runs of each quick row.
#
#   tests/bench/run.sh [launch|rate|stdout|demux|many|crowd...]   MANY=1000 CROWD=200
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 2
: "${B:=$PWD/build}" "${N:=200}"
slow=$((N / 10 > 0 ? N / 10 : 1)) # runs of what takes a tenth of a second and more
bench=$B/tests/bench
export LC_ALL=C.UTF-8

# --- A world of its own ----------------------------------------------------------------
world=$(mktemp -d /tmp/sandpit-bench.XXXXXX) || exit 2
chmod 755 "$world"
mkdir -m 700 "$world/state" "$world/home"
# What an ordinary user runs must be where one can look.
mkdir "$world/user" "$world/user/state"
cp -r "$B/sandpit" "$B/sandpit-runner" "$B/sandpit-worker" "$B/sandpit-refill" "$B/share" "$bench/floor" "$world/user/"
chmod -R go+rX "$world/user"
chmod 700 "$world/user/state"
[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$world/user/state"
export HOME=$world/home SANDPIT_STATE_DIR=$world/state SANDPIT_LIBEXEC_DIR=$B
export SANDPIT_DATA_DIR=$B/share/sandpit
mkdir -p "$B/bench"
json=$B/bench/$(date -u +%Y%m%dT%H%M%SZ).jsonl
rows=$world/rows
: >"$rows"
trap finish EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2317 # called by the trap
finish() {
  "$B/sandpit" pool drain -p local --all >/dev/null 2>&1
  "$B/sandpit" destroy --all >/dev/null 2>&1
  stop_docker
  rm -rf --one-file-system "$world"
}

row() { # NAME N KIND WORDS...
  local IFS=$'\t'
  printf '%s\n' "$*" >>"$rows"
}

missing() { # NAME REASON
  row "$1" 0 none "$2"
}

has() {
  command -v "$1" >/dev/null
}

# --- The machine ----------------------------------------------------------------------
version_of() {
  "$@" 2>/dev/null | head -n 1 | tr -d '"\\\t'
}

machine() {
  local cpu
  cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
  printf '{"bench":"machine","date":"%s","kernel":"%s","cpu":"%s","cpus":%d,"memory_kib":%d,' \
    "$(date -u +%FT%TZ)" "$(uname -r)" "$cpu" "$(nproc)" \
    "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)"
  printf '"load":"%s","libc":"%s","sandpit":"%s","commit":"%s","bwrap":"%s","runc":"%s","docker":"%s"}\n' \
    "$(cut -d' ' -f1-3 /proc/loadavg)" "$(version_of getconf GNU_LIBC_VERSION)" \
    "$(version_of "$B/sandpit" version)" "$(git rev-parse --short HEAD 2>/dev/null)" \
    "$(version_of bwrap --version)" "$(version_of runc --version)" "$(version_of dockerd --version)"
}

# --- Peers ----------------------------------------------------------------------------
# A root of the host's /usr, as our default image is.
make_rootfs() {
  local dir=$world/rootfs link
  mkdir -p "$dir"/{usr,proc,dev,sys,tmp,etc,run}
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$dir/$link"; done
  echo "$dir"
}

add_bwrap() {
  has bwrap || { missing bwrap "not installed"; return; }
  row bwrap "$N" spawn "$(command -v bwrap)" --unshare-all --die-with-parent --ro-bind /usr /usr \
    --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
    --proc /proc --dev /dev --tmpfs /tmp /usr/bin/true
}

add_runc() {
  has runc || { missing runc "not installed"; return; }
  has python3 || { missing runc "python3, to write its bundle, is not installed"; return; }
  mkdir "$world/bundle"
  ln -s "$1" "$world/bundle/rootfs"
  (cd "$world/bundle" && runc spec && python3 - "$1" <<'PY'
import json, sys
config = json.load(open("config.json"))
config["root"]["path"] = sys.argv[1]
config["process"].update(terminal=False, args=["/usr/bin/true"], rlimits=[])
config["mounts"].append({"destination": "/usr", "type": "bind", "source": "/usr",
                         "options": ["rbind", "ro"]})
json.dump(config, open("config.json", "w"))
PY
  )
  row runc "$slow" spawn "$(command -v runc)" --root "$world/runc" run -b "$world/bundle" \
    "sandpit-bench-$$"
}

add_podman() {
  has podman || { missing podman "not installed"; return; }
  local command=("$(command -v podman)" --runtime runc --cgroup-manager cgroupfs
    --storage-driver vfs --root "$world/podman" --runroot "$world/podman-run" run --rm
    --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 -v /usr:/usr:ro
    --rootfs "$1" /usr/bin/true)
  if ! timeout 60 "${command[@]}" >/dev/null 2>"$world/podman.err"; then
    missing podman "does not work here: $(tr -d '\t' <"$world/podman.err" | tail -n 1 | cut -c1-90)"
    return
  fi
  row podman "$slow" spawn "${command[@]}"
}

# --- Docker, on an engine of our own --------------------------------------------------
docker_up=

start_docker() {
  # shellcheck source=SCRIPTDIR/../helpers/dockerd.sh
  . tests/helpers/dockerd.sh
  dockerd_missing && return 1
  TMPDIR=$world dockerd_start >"$world/dockerd.out" 2>&1 && docker_up=1 && return
  tail -n 1 "$world/dockerd.out"
  return 1
}

# shellcheck disable=SC2317 # called by the trap
stop_docker() {
  [ -z "$docker_up" ] || dockerd_stop
}

# An image of one static program, as small as an image can be.
docker_image() {
  mkdir -p "$world/tiny/bin"
  printf 'int main(void) { return 0; }\n' |
    ${CC:-cc} -O2 -static -x c -o "$world/tiny/bin/true" - &&
    tar -C "$world/tiny" -c . | docker import - sandpit-bench:tiny >/dev/null
}

add_docker() {
  local why=
  if ! start_docker >"$world/why"; then
    why=$(cat "$world/why")
    missing "docker run" "$why"
    missing "sandpit run, docker" "$why"
    return
  fi
  add_docker_command
  add_docker_provider
}

add_docker_command() {
  has docker || { missing "docker run" "the docker command is not installed"; return; }
  docker_image || { missing "docker run" "its image cannot be made"; return; }
  row "docker run" "$slow" spawn "$(command -v docker)" run --rm --network none sandpit-bench:tiny /bin/true
  local id
  id=$(docker run -d --network none -v /usr:/usr:ro -v /lib64:/lib64:ro -v /lib:/lib:ro \
    sandpit-bench:tiny /usr/bin/sleep 3600) || return
  row "docker exec" "$slow" spawn "$(command -v docker)" exec "$id" /bin/true
}

add_docker_provider() {
  local handle
  if ! handle=$("$B/sandpit" create -p docker --ttl 3600 2>"$world/why"); then
    missing "sandpit run, docker" "$(head -n 1 "$world/why" | tr -d '\t' | cut -c1-90)"
    return
  fi
  row "sandpit run, docker" "$slow" spawn "$B/sandpit" run -p docker -- true
  row "sandpit exec, docker" "$slow" spawn "$B/sandpit" exec "$handle" -- true
  row "sandpit exec, docker, library" "$slow" exec "$handle" true
}

# --- Ourselves --------------------------------------------------------------------------
user_row() { # NAME PROGRAM ARGS...
  local name=$1
  shift
  [ "$(id -u)" = 0 ] || return 0 # then every row is an ordinary user's
  row "$name" "$N" user "SANDPIT_STATE_DIR=$world/user/state" \
    "SANDPIT_LIBEXEC_DIR=$world/user" "SANDPIT_DATA_DIR=$world/user/share/sandpit" "$@"
}

# As many as there will be runs, and none made again meanwhile: what is measured is the
# taking.  The second fill is only told that the time is over.
add_warm() {
  local size=$((N + 10))
  local fill=("$B/sandpit" pool fill -p local -e WARM=1 --max-idle 3600 --size "$size")
  if ! "${fill[@]}" >/dev/null || ! "${fill[@]}" --ttl 0.001 >/dev/null; then
    missing "sandpit run, warm, library" "no pool could be filled"
    return
  fi
  row "sandpit run, warm, library" "$N" warm true
}

add_sandpit() {
  local handle
  row "sandpit run" "$N" spawn "$B/sandpit" run -p local -- true
  user_row "sandpit run, ordinary user" "$world/user/sandpit" run -p local -- true
  row "sandpit run, library" "$N" run true
  if handle=$("$B/sandpit" create -p local --ttl 3600 2>"$world/why"); then
    row "sandpit exec" "$N" spawn "$B/sandpit" exec "$handle" -- true
    row "sandpit exec, library" "$N" exec "$handle" true
    add_warm
  else
    missing "sandpit exec" "$(head -n 1 "$world/why" | tr -d '\t' | cut -c1-90)"
  fi
}

# --- Benchmarks ---------------------------------------------------------------------------
bench_launch() {
  local root
  root=$(make_rootfs)
  row "bare exec" "$N" spawn /usr/bin/true
  row floor "$N" spawn "$bench/floor" /usr/bin/true
  user_row "floor, ordinary user" "$world/user/floor" /usr/bin/true
  add_sandpit
  row unshare "$N" spawn /usr/bin/unshare -UrmpfniuC --mount-proc /usr/bin/true
  add_bwrap
  add_runc "$root"
  add_podman "$root"
  add_docker
  "$bench/launch" "$rows" "$json"
}

bench_rate() {
  local callers
  for callers in 1 2 4 8; do
    "$bench/rate" floor "$callers" 3 "$json" "$bench/floor" /usr/bin/true
    "$bench/rate" "sandpit run" "$callers" 3 "$json" "$B/sandpit" run -p local -- true
  done
}

# All alive at once, each answering; then one among those that all run something.
bench_many() {
  "$bench/many" "idle sandboxes" idle "${MANY:-1000}" "${MANY:-1000}" "$json"
}

bench_crowd() {
  "$bench/many" "exec while others run" busy "${CROWD:-200}" "$N" "$json" "$B/sandpit"
}

bench_stdout() {
  local gigabyte=(/usr/bin/head -c 1G /dev/zero)
  "$bench/pour" "bare pipe" 5 "$json" "${gigabyte[@]}"
  "$bench/pour" "sandpit run" 5 "$json" "$B/sandpit" run -p local -- "${gigabyte[@]}"
}

bench_demux() {
  [ -x "$bench/demux" ] || return 0
  "$bench/demux" | tee -a "$json"
}

[ $# -gt 0 ] || set -- launch rate stdout demux many crowd
machine | tee "$json"
for part; do
  echo
  "bench_$part"
done
echo
echo "written to $json"
