#!/bin/bash
# Time of a rescan in which nothing has changed: FILES tiny files (50,000) in folders of a hundred, a sidecar and a poster
# in each folder, and a catalog that knows them all. With STILLS=1 each file has a picture of its own besides.
#
#   bench/rescan.sh [FILES]        BIN=target/release STILLS=
#
# The prober beside the program is a stand-in that answers at once: only the first scan asks it.
set -euo pipefail
files=${1:-50000}
bin=${BIN:-target/release}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/bin" "$dir/media"
cp "$bin/retrovue" "$dir/bin/"
cat > "$dir/bin/retrovue-air" <<'END'
#!/bin/bash
while IFS= read -r p; do
  printf '{"path":"%s","ok":{"container":"mp4","duration_ms":1320000,"video":{"codec":"h264"},"audio":[],"chapters":[]}}\n' "$p"
done
END
chmod +x "$dir/bin/retrovue-air"
for ((n = 0; n < files; n++)); do
  if ((n % 100 == 0)); then
    show="$dir/media/Show $((n / 100))/Season 1"
    mkdir -p "$show"
    echo "<tvshow><title>Show $((n / 100))</title><genre>Comedy</genre></tvshow>" > "${show%/*}/tvshow.nfo"
    echo "$n" > "${show%/*}/poster.jpg"
  fi
  echo "$n" > "$show/S01E$((n % 100)).mp4"
  if [[ -n ${STILLS:-} ]]; then echo "$n" > "$show/S01E$((n % 100))-thumb.jpg"; fi
done
cd "$dir"
for what in "first scan" "rescan" "rescan"; do
  start=$(date +%s%N)
  said=$(bin/retrovue ingest media | tail -1)
  echo "$what: $((($(date +%s%N) - start) / 1000000)) ms, $said"
done
