# SPDX-License-Identifier: Apache-2.0
# A user with ids of his own in /etc/subuid and /etc/subgid, which are replaced in a mount
# namespace and not on the machine.
# shellcheck shell=bash

# True, or "KEY: reason" where that cannot be tried.
granted_missing() {
  [ "$(id -u)" = 0 ] || { echo "root: needs root, to stand in for /etc/subuid"; return 1; }
  [ -u /usr/bin/newuidmap ] && [ -u /usr/bin/newgidmap ] ||
    { echo "tool: newuidmap and newgidmap are not installed"; return 1; }
  [ -e /etc/subuid ] && [ -e /etc/subgid ] || { echo "tool: there is no /etc/subuid"; return 1; }
  setpriv --reuid 65534 --regid 65534 --clear-groups -- unshare -Ur true 2>/dev/null ||
    { echo "rootless: an ordinary user cannot make user namespaces"; return 1; }
}

# as_granted FILE COMMAND...: as user 65534, and those of $GRANTED_GROUPS, with the grants
# in FILE, "nobody:FIRST:COUNT" lines for both tables.
as_granted() {
  unshare --mount bash -c '
    mount --bind "$1" /etc/subuid && mount --bind "$1" /etc/subgid || exit 125
    shift
    groups=(--clear-groups)
    [ -z "$GRANTED_GROUPS" ] || groups=(--groups "$GRANTED_GROUPS")
    exec setpriv --reuid 65534 --regid 65534 "${groups[@]}" -- "$@"' - "$@"
}
