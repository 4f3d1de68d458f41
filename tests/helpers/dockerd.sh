# SPDX-License-Identifier: Apache-2.0
# A real dockerd of the tests' own, for bash scripts and bats:
#
#   . tests/helpers/dockerd.sh
#   reason=$(dockerd_missing) && skip "$reason"
#   dockerd_start        # sets DOCKER_HOST and SP_DOCKERD_DIR
#   ...
#   dockerd_stop
#
# Socket, images and state are in one temporary folder; processes and mounts are in
# namespaces that end with it, so that nothing outlives a kill -9 either; control groups
# are below one of its own name.
# shellcheck shell=bash

# True, with the reason on stdout, where none can be started.
dockerd_missing() {
  local tool
  [ "$(id -u)" = 0 ] || { echo "docker: needs root"; return 0; }
  for tool in dockerd containerd runc unshare curl; do
    command -v "$tool" >/dev/null || { echo "docker: $tool is not installed"; return 0; }
  done
  unshare --mount --pid --fork true 2>/dev/null || { echo "docker: no namespaces can be made"; return 0; }
  return 1
}

# Wait until CONDITION... is true, at most SECONDS.
dockerd_wait() { # SECONDS CONDITION...
  local end=$((SECONDS + $1)) never
  shift
  never=$SP_DOCKERD_DIR/never
  [ -p "$never" ] || mkfifo "$never"
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    read -rt 0.05 <>"$never" || : # nobody writes there: a pause that needs no process
  done
}

dockerd_api() { # METHOD PATH [CURL OPTION...]
  curl -sS --max-time 60 --unix-socket "$SP_DOCKERD_DIR/d.sock" -X "$1" "http://docker$2" "${@:3}"
}

dockerd_answers() {
  [ "$(dockerd_api GET /_ping 2>/dev/null)" = OK ]
}

dockerd_answers_or_ended() {
  dockerd_answers || ! kill -0 "$SP_DOCKERD_PID" 2>/dev/null
}

# What runs inside the namespaces.  Process 1 is a shell, which collects orphans.
# shellcheck disable=SC2016 # expanded there
DOCKERD_INSIDE='
  mount -t tmpfs tmpfs /run || exit
  [ ! -d /etc/docker ] || mount -t tmpfs tmpfs /etc/docker || exit
  dir=$1
  shift
  # For what its parts leave when they are asked too late: stacks and the like.
  mkdir "$dir/tmp"
  export TMPDIR=$dir/tmp
  dockerd --config-file "$dir/daemon.json" --host "unix://$dir/d.sock" \
    --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" \
    --cgroup-parent "/${dir##*/}" --bridge=none --iptables=false --ip-forward=false \
    --ip-masq=false --userland-proxy=false --oom-score-adjust=0 "$@" &
  wait
'

dockerd_start() { # [DOCKERD OPTION...]
  SP_DOCKERD_DIR=$(mktemp -d "${TMPDIR:-/tmp}/sandpit-dockerd.XXXXXX") || return
  chmod 711 "$SP_DOCKERD_DIR"
  echo '{}' >"$SP_DOCKERD_DIR/daemon.json"
  [ -d /etc/docker ] || : >"$SP_DOCKERD_DIR/made-etc-docker"
  # Descriptor 3 is what bats waits for.
  unshare --mount --pid --fork --kill-child --mount-proc \
    bash -c "$DOCKERD_INSIDE" dockerd "$SP_DOCKERD_DIR" "$@" \
    </dev/null >"$SP_DOCKERD_DIR/log" 2>&1 3>&- &
  SP_DOCKERD_PID=$!
  export SP_DOCKERD_DIR SP_DOCKERD_PID DOCKER_HOST=unix://$SP_DOCKERD_DIR/d.sock
  if ! dockerd_wait 30 dockerd_answers_or_ended || ! dockerd_answers; then
    echo "dockerd did not start:" >&2
    tail -n 5 "$SP_DOCKERD_DIR/log" >&2
    dockerd_stop
    return 1
  fi
}

dockerd_is_gone() {
  ! kill -0 "$SP_DOCKERD_PID" 2>/dev/null
}

dockerd_remove_cgroups() {
  local name=${SP_DOCKERD_DIR##*/}
  find /sys/fs/cgroup -depth -type d -path "*/$name*" -exec rmdir {} + 2>/dev/null
  [ -z "$(find /sys/fs/cgroup -type d -name "$name" 2>/dev/null)" ]
}

dockerd_stop() {
  local status=0
  [ -n "${SP_DOCKERD_PID-}" ] || return 0
  # Everything is in the namespaces of its child, and ends with that.
  kill -KILL "$SP_DOCKERD_PID" 2>/dev/null
  wait "$SP_DOCKERD_PID" 2>/dev/null
  dockerd_wait 10 dockerd_is_gone || status=1
  dockerd_wait 10 dockerd_remove_cgroups || status=1
  [ ! -e "$SP_DOCKERD_DIR/made-etc-docker" ] || rm -rf /etc/docker
  rm -rf --one-file-system "$SP_DOCKERD_DIR" || status=1
  unset SP_DOCKERD_PID SP_DOCKERD_DIR DOCKER_HOST
  return "$status"
}
