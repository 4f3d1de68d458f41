#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2119 # dockerd_start takes options, and needs none
# The docker provider, against an engine of the tests' own.
. tests/conformance/lib.bash
# shellcheck source=SCRIPTDIR/../helpers/dockerd.sh
. tests/helpers/dockerd.sh

reason=$(dockerd_missing) && skip_all docker "${reason#docker: }"
trap dockerd_stop EXIT
if ! dockerd_start >"$TMPDIR/why" 2>&1; then
  reason=$(tail -n 1 "$TMPDIR/why")
  rm -f "$TMPDIR/why"
  skip_all docker "$reason"
fi
rm -f "$TMPDIR/why"
conformance docker
