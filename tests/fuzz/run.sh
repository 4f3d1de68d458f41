#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run the fuzz targets, SECONDS_EACH seconds each, on copies of their corpora: all of
# them, or those named as arguments (json, profile, ...).  What breaks one is kept in
# $B/fuzz/NAME/.
set -eu

cd "$(dirname "$0")/../.."
B=${B:-build}
SECONDS_EACH=${SECONDS_EACH:-60}
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}"

fuzz_one() {
	name=$1
	target=$B/tests/fuzz/fuzz_$name
	work=$B/fuzz/$name
	if [ ! -x "$target" ]; then
		echo "fuzz: no target $name" >&2
		return 1
	fi
	mkdir -p "$work/corpus" "$work/found"
	log=$work/log
	if ! "$target" -max_total_time="$SECONDS_EACH" -timeout=10 -rss_limit_mb=1024 \
		-max_len=65536 -print_final_stats=1 -artifact_prefix="$work/found/" \
		"$work/corpus" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
		echo "fuzz: $name: broken, see $log and $work/found" >&2
		tail -n 20 "$log" >&2
		return 1
	fi
	printf '%-12s %s executions in %s s\n' "$name" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$SECONDS_EACH"
}

if [ $# -eq 0 ]; then
	for source in tests/fuzz/fuzz_*.c; do
		name=${source##*/fuzz_}
		set -- "$@" "${name%.c}"
	done
fi

failed=0
for name in "$@"; do
	fuzz_one "$name" || failed=1
done
exit $failed
