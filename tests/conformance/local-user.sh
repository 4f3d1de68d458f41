#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The local provider as an ordinary user: root becomes one, anybody else is one.
. tests/conformance/lib.bash

if [ "$(id -u)" != 0 ]; then
  unshare -Ur true 2>/dev/null || skip_all rootless "user namespaces are not available"
  conformance local
  exit
fi

as_nobody() {
  setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}
as_nobody unshare -Ur true 2>/dev/null ||
  skip_all rootless "an ordinary user cannot make user namespaces"

# The build folder may be where an ordinary user cannot look.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
mkdir -p "$place/share"
cp "$B"/sandpit-runner "$B"/sandpit-worker "$B"/sandpit-gate "$B"/tests/conformance/conformance "$place/"
cp -r "$B/share/sandpit" "$place/share/"
chmod -R go+rX "$place"
mkdir -m 700 "$place/state" "$place/store" "$place/run"
chown 65534:65534 "$place/state" "$place/store" "$place/run"
export SANDPIT_LIBEXEC_DIR=$place SANDPIT_DATA_DIR=$place/share/sandpit
export SANDPIT_STATE_DIR=$place/state SANDPIT_STORE_DIR=$place/store
export XDG_RUNTIME_DIR=$place/run HOME=/nonexistent
as_nobody "$place/conformance" local ${SP_TEST_WORDS:+"$SP_TEST_WORDS"}
