# SPDX-License-Identifier: Apache-2.0
# What the tests of the command share: a world of their own, and the provider, which the
# name of the file tells: cli-local.bats, cli-docker.bats and cli-user.bats are one text.
# shellcheck shell=bash
bats_require_minimum_version 1.5.0
load ../helpers/require

# A folder for everything, with the state, a home that is not the user's, and no docker.
make_world() {
  W=$(mktemp -d "${TMPDIR:-/tmp}/sandpit-cli.XXXXXX")
  chmod 711 "$W"
  mkdir -m 700 "$W"/{home,state,store,run,config,cache}
  export W HOME=$W/home SANDPIT_STATE_DIR=$W/state SANDPIT_STORE_DIR=$W/store
  export XDG_RUNTIME_DIR=$W/run
  export XDG_CONFIG_HOME=$W/config XDG_CACHE_HOME=$W/cache
  # Nothing of the host's own engine.
  export DOCKER_HOST=unix://$W/no.sock
  [ -z "${B-}" ] || export PATH=$B:$PATH
}

remove_world() {
  [ -z "${W-}" ] || rm -rf --one-file-system "$W"
}

# The provider P, and AS_USER where the command is to be an ordinary user's.
choose_provider() {
  local name=${BATS_TEST_FILENAME##*/cli-}
  case ${name%.bats} in
  user) export P=local AS_USER=1 ;;
  *) export P=${name%.bats} AS_USER='' ;;
  esac
}

# In setup_file, where skip does not work with this bats: the tests' setup skips for it.
cannot() { # KEY REASON
  case ",${SP_REQUIRE-}," in
  *",$1,"*)
    echo "SP_REQUIRE has $1: $2" >&2
    return 1
    ;;
  esac
  export CANNOT="$1: $2"
}

skip_if_cannot() {
  [ -z "${CANNOT-}" ] || skip "$CANNOT"
}

# The build folder may be where an ordinary user cannot look.
copy_programs() {
  local from
  from=$(dirname "$(type -P sandpit)")
  mkdir "$W/bin"
  cp -r "$from"/sandpit "$from"/sandpit-* "$from/share" "$W/bin/"
  chmod -R go+rX "$W/bin"
  export PATH=$W/bin:$PATH
}

start_provider() {
  local reason
  case $P$AS_USER in
  local)
    reason=$(can_userns) || cannot userns "$reason"
    ;;
  local1)
    reason=$(can_rootless) || cannot rootless "$reason"
    copy_programs
    [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$W"/{home,state,store,run,config,cache}
    ;;
  docker)
    # shellcheck source=../helpers/dockerd.sh
    . "$BATS_TEST_DIRNAME/../helpers/dockerd.sh"
    if reason=$(dockerd_missing); then
      cannot docker "${reason#docker: }"
    else
      # shellcheck disable=SC2119 # no options
      dockerd_start
      export DOCKER_HOST SP_DOCKERD_DIR SP_DOCKERD_PID
    fi
    ;;
  esac
}

stop_provider() {
  if [ "$P" = docker ] && [ -z "${CANNOT-}" ]; then
    # shellcheck source=../helpers/dockerd.sh
    . "$BATS_TEST_DIRNAME/../helpers/dockerd.sh"
    dockerd_stop
  fi
}

# The command, as whoever this file tests it.  exec: a signal to its process reaches it.
sandpit() {
  if [ -n "${AS_USER-}" ]; then
    as_user sandpit "$@"
  else
    command sandpit "$@"
  fi
}

# sandpit run on the provider of this file.
sprun() {
  sandpit run -p "$P" "$@"
}

# A handle, destroyed by the teardown of its test.
new_sandbox() {
  sandpit create -p "$P" "$@"
}

# Wait until COMMAND... succeeds, at most SECONDS.
wait_until() { # SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  [ -p "$W/never" ] || mkfifo "$W/never"
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    read -rt 0.05 <>"$W/never" || : # nobody writes there
  done
}

# One value of the JSON text on standard input: json '["a"][0]'.
json() {
  python3 -c "import json,sys; v=json.load(sys.stdin)$1
print(json.dumps(v) if isinstance(v,(dict,list,bool)) else v)"
}

no_sandboxes() {
  [ "$(sandpit list -p "$P" --json)" = "[]" ]
}
