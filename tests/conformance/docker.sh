#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The docker provider, on a dockerd of its own.
. tests/conformance/lib.bash
. tests/helpers/dockerd.sh
reason=$(dockerd_missing) && skip_all docker "${reason#docker: }"
dockerd_start || skip_all docker "dockerd does not start here"
trap dockerd_stop EXIT
conformance docker
