#!/usr/bin/env bash
# One 720p30 channel on the air beside `ffmpeg -re … -c:v libx264` with the same preset, rate and
# threads, from the same file, at the same time: processor time and memory of each.
#
#   bench/beside-ffmpeg.sh FILE [SECONDS]
#
# SECONDS should be a whole number of FILE's lengths, or the two may encode different parts of it. FILE
# should last just under a whole number of minutes: what is left of the last minute is black for AIR,
# and ffmpeg has no such rest. Needs a release build (make build), ffmpeg, curl, jq and bc. Quote
# the ratios: they are taken in one run.
set -euo pipefail
file=$(realpath "${1:?usage: bench/beside-ffmpeg.sh FILE [SECONDS]}")
seconds=${2:-60}
. "$(dirname "$0")/one-channel.sh" "$file"
ffmpeg -v error -re -stream_loop -1 -threads 1 -i "$file" -map 0:v:0 -map 0:a:0 \
    -c:v libx264 -preset veryfast -threads 1 -b:v 3000k -maxrate 3000k -bufsize 1500k -g 30 -s 1280x720 -r 30 \
    -c:a aac -b:a 128k -ar 48000 -ac 2 -f mpegts - > /dev/null &
rival=$!
sleep 5

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
memory() { awk '/^Rss|^Pss:/ {printf "%s %d MB  ", $1, $2 / 1024}' "/proc/$1/smaps_rollup"; }
a=$(ticks "$air") c=$(ticks "$core") f=$(ticks "$rival")
sleep "$seconds"
a=$(($(ticks "$air") - a)) c=$(($(ticks "$core") - c)) f=$(($(ticks "$rival") - f))
hz=$(getconf CLK_TCK)
row() { printf '%-8s %.3f cores   %s\n' "$1" "$(echo "scale=4; $2 / $hz / $seconds" | bc)" "$(memory "$3")"; }
row AIR "$a" "$air"
row Core "$c" "$core"
row ffmpeg "$f" "$rival"
echo "AIR / ffmpeg: $(echo "scale=3; $a / $f" | bc) of the processor time; with Core $(echo "scale=3; ($a + $c) / $f" | bc)"
