#!/usr/bin/env bash
# How well one 720p30 channel keeps time over SECONDS: how far after its instant each frame began to leave, how
# early it had been encoded, and how full the rings were, as the session itself counts them.
#
#   bench/deadline-margin.sh FILE [SECONDS] [burn]
#
# With `burn` a second process keeps one processor busy meanwhile.
set -euo pipefail
file=${1:?usage: bench/deadline-margin.sh FILE [SECONDS] [burn]}
seconds=${2:-600}
. "$(dirname "$0")/one-channel.sh" "$file"
if [ "${3:-}" = burn ]; then
    while :; do :; done &
fi
sleep "$seconds"
curl -s "$base/metrics/one" | grep -v '^#'
