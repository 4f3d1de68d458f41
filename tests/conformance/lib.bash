# SPDX-License-Identifier: Apache-2.0
# What the conformance scripts share: the skip, and running the list as somebody.
# shellcheck shell=bash
set -u -o pipefail
: "${B:?the build folder}" "${SANDPIT_STATE_DIR:?}"
export SANDPIT_LIBEXEC_DIR=$B SANDPIT_DATA_DIR=$B/share/sandpit

# None of it can be tried here; SP_REQUIRE makes that a failure.
skip_all() { # KEY REASON
  case ",${SP_REQUIRE-}," in
  *",$1,"*) printf '1..1\nnot ok 1 - %s\n# SP_REQUIRE has %s\n' "$2" "$1"; exit 1 ;;
  esac
  echo "1..0 # SKIP $1: $2"
  exit 0
}

conformance() { # PROVIDER
  "$B/tests/conformance/conformance" "$1" ${SP_TEST_WORDS:+"$SP_TEST_WORDS"}
}
