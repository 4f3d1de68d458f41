#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The local provider as root.
. tests/conformance/lib.bash
[ "$(id -u)" = 0 ] || skip_all root "needs root"
conformance local
