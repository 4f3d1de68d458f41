# SPDX-License-Identifier: Apache-2.0
# Skipping honestly, for bats.  `require userns` skips the test, with the reason, where the
# host cannot do it; SP_REQUIRE=userns,docker,... turns such a skip into a failure.
# shellcheck shell=bash

# Every ability is a function that is true, or prints why not.
can_root() {
  [ "$(id -u)" = 0 ] || { echo "needs root"; return 1; }
}

can_userns() {
  unshare -Ur true 2>/dev/null || { echo "user namespaces are not available"; return 1; }
}

# An ordinary user can make a namespace; as root the test becomes one with `as_user`.
can_rootless() {
  as_user unshare -Ur true 2>/dev/null ||
    { echo "an ordinary user cannot make user namespaces"; return 1; }
}

# Some hierarchy, v2 or v1, in which we may make a group with limits.
can_cgroup() {
  local dir
  for dir in /sys/fs/cgroup /sys/fs/cgroup/pids /sys/fs/cgroup/memory; do
    if [ -w "$dir" ] && { [ -e "$dir/tasks" ] || [ -e "$dir/cgroup.subtree_control" ]; }; then
      return 0
    fi
  done
  echo "no control group hierarchy can be written"
  return 1
}

can_docker() {
  can_root && can_tool dockerd
}

can_tool() {
  command -v "$1" >/dev/null || { echo "$1 is not installed"; return 1; }
}

# require KEY [ARG]: go on, or skip, or fail where SP_REQUIRE has KEY.
require() {
  local reason
  reason=$("can_$1" "${@:2}") || skip_for "$1" "$reason"
}

# skip_for KEY REASON: what require does once it is known that the host cannot.
skip_for() {
  case ",${SP_REQUIRE-}," in
  *",$1,"*)
    echo "SP_REQUIRE has $1: $2" >&2
    return 1
    ;;
  esac
  skip "$1: $2"
}

# Run a command as an ordinary user without groups, whoever we are.
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
  else
    "$@"
  fi
}
