# Sourced by the measurements: a station with one 720p30 channel over the file $1, on the air for one viewer.
# Sets `base` (its address), `core` (its process) and `air` (the session's). Needs a release build, curl, jq.
file=$(realpath "$1")
bin=$(realpath "${CARGO_TARGET_DIR:-target}/release")
[ -x "$bin/retrovue" ] || { echo "no release build in $bin; type: make build" >&2; exit 1; }
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT

mkdir -p "$dir/media/show"
ln -s "$file" "$dir/media/show/S01E01.${file##*.}"
cat > "$dir/station.yaml" <<'YAML'
station: Bench
media: [media]
channels: [one.yaml]
data_dir: data
format: {width: 1280, height: 720, fps: 30, video_bitrate_kbps: 3000, audio_bitrate_kbps: 128,
         gop_frames: 30, preset: veryfast, encoder_threads: 1}
YAML
cat > "$dir/one.yaml" <<'YAML'
channel: one
grid: 60s
template: premium_movie
schedule:
  daily: {start: '06:00', until: '06:00', episode_selector: {collection: col.show, mode: sequential}}
YAML

"$bin/retrovue" serve --config "$dir/station.yaml" --port 0 > "$dir/said" 2> "$dir/log" &
core=$!
until grep -q '/channels.m3u' "$dir/said"; do
    kill -0 "$core" || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
done
base=$(grep -o 'http://[^ ]*/channels.m3u' "$dir/said" | sed 's|/channels.m3u||; s|localhost|127.0.0.1|')
curl -s -o /dev/null "$base/channel/one.ts" &
until air=$(curl -s "$base/api/channels" | jq -e '.channels[0].air_pid'); do sleep 0.1; done
