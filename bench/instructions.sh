#!/bin/sh
# Instructions per packet of the muxer, the checker and the tables, and per channel of four days' plans, counted by
# callgrind: figures that do not depend on how busy the machine is. Each workload runs twice, once with more rounds;
# what both do alike is not counted.
#
#   bench/instructions.sh [WORKLOAD...]
set -eu

cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "valgrind is not installed: apt install valgrind"; exit 2; }

program=${WORKLOAD:-}
if [ -z "$program" ]; then
    # Word splitting is wanted: flags.
    # shellcheck disable=SC2046
    cargo build --release --package retrovue-bench --bin workload $(scripts/codec-features.sh) >&2
    program=${CARGO_TARGET_DIR:-target}/release/workload
fi

# count WORKLOAD ROUNDS: prints packets and instructions.
count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        awk '/^[0-9]+$/ { packets = $1 } /Collected *:/ { instructions = $NF } END { print packets, instructions }'
}

for workload in ${*:-mux-vbr mux-cbr check tables plan plan-traffic}; do
    set -- $(count "$workload" 2) $(count "$workload" 4)
    case $workload in plan*) unit=channel ;; *) unit=packet ;; esac
    awk -v name="$workload" -v unit="$unit" -v count=$(($3 - $1)) -v instructions=$(($4 - $2)) \
        'BEGIN { printf "%-12s %10.1f instructions a %s, of %d\n", name, instructions / count, unit, count }'
done
