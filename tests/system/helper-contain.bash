# SPDX-License-Identifier: Apache-2.0
# For the tests of containment: things of the host to reach for, and programs that try, in
# sandboxes of three kinds:
#   root  started by root, root inside      user  started by root, user 1000 inside
#   rootless  started by an ordinary user, root inside
# shellcheck shell=bash
load helper

# How to start a sandbox of KIND, in ${start[@]}; skips the test where that cannot be.
choose_kind() { # KIND
  case $1 in
  root) require root && start=() && export AS_USER='' ;;
  user) require root && start=(-u 1000) && export AS_USER='' ;;
  rootless)
    require rootless
    start=()
    export AS_USER=1 SANDPIT_STATE_DIR=$W/user/state HOME=$W/user XDG_RUNTIME_DIR=$W/user
    [ -d "$W/bin" ] || copy_programs
    ;;
  esac
  require userns
}

# A world with a host in it: see host.py.
make_host() {
  make_world
  mkdir -m 755 "$W/attacks" "$W/share" "$W/user"
  cp "$B"/tests/helpers/attack_* "$W/attacks/"
  rm -f "$W"/attacks/*.d
  chmod 755 "$W"/attacks/*
  [ "$(id -u)" != 0 ] || chown 65534:65534 "$W/user"
  echo "of the host" >"$W/file"
  chmod 644 "$W/file"
  : >"$W/reached"
  mkfifo "$W/host-lives"
  python3 "$BATS_TEST_DIRNAME/../helpers/host.py" "$W" <"$W/host-lives" 3>&- &
  exec 8>"$W/host-lives"
  wait_until 20 test -e "$W/ready"
  read -r HOST_PID HOST_PORT HOST_SOCKET HOST_SHM <"$W/ready"
  export HOST_PID HOST_PORT HOST_SOCKET HOST_SHM HOST_FILE=$W/file
  export SECRET="secret of the caller"
}

remove_host() {
  exec 8>&-
  remove_world
}

host_is_untouched() {
  kill -0 "$HOST_PID" || return 1
  [ "$(cat "$W/file")" = "of the host" ] || return 1
  cat "$W/reached" >&2
  [ ! -s "$W/reached" ]
}

# Run attack_FAMILY in a sandbox of KIND; every row must have got what it may get.
attack() { # KIND FAMILY [OPTIONS OF RUN...]
  local kind=$1 family=$2
  shift 2
  choose_kind "$kind"
  run_attack "$family" "$@" >"$W/rows" 2>&1 || { cat "$W/rows" >&2; return 1; }
  all_rows "$W/rows"
  [ -z "${SP_ROWS-}" ] || cp "$W/rows" "$SP_ROWS/$kind-$family"
  host_is_untouched
}

# The caller has what must not get in: descriptors, an ignored signal, a file on input.
run_attack() { # FAMILY [OPTIONS...]
  local family=$1
  shift
  (
    trap '' HUP
    sandpit run -p local "${start[@]}" "$@" -v "$W/attacks:/attacks" -e HOST_PID -e HOST_PORT \
      -e HOST_SOCKET -e HOST_SHM -e HOST_FILE ${PIDS:+-e PIDS} -- "/attacks/attack_$family" <"$W/file" 7</ 9<"$W/file"
  )
}

# A table that was cut short is no proof.
all_rows() {
  local want got
  want=$(sed -n 's/^rows //p' "$1")
  got=$(grep -c '^ok ' "$1")
  if [ -z "$want" ] || [ "$got" != "$want" ]; then
    cat "$1" >&2
    return 1
  fi
}
