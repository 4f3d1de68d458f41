#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The local provider as an ordinary user who was granted ids: /etc/subuid and /etc/subgid
# are the machine's own for everybody else.
. tests/conformance/lib.bash
. tests/helpers/granted.bash

reason=$(granted_missing) || skip_all "${reason%%: *}" "${reason#*: }"
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
printf 'nobody:1000000:196608\n' >"$place/subids"
as_granted "$place/subids" "$place/conformance" local ${SP_TEST_WORDS:+"$SP_TEST_WORDS"}
