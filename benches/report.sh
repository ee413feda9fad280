#!/usr/bin/env bash
# Times of pictures, report pages and the live page: benches/report.sh [runs]. Needs a release build.
# Prints the least of the runs: on a busy machine the others time its other work.
set -euo pipefail
runs=${1:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
sqnr=${SQNR:-$root/target/release/sqnr}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cd "$work"

# Least wall and processor seconds of the runs, and the greatest resident megabytes.
least() {
  local name=$1; shift
  for _ in $(seq "$runs"); do
    /usr/bin/time -f '%e %U %S %M' -o times "$@" > /dev/null 2>> /dev/null
    cat times >> all
  done
  awk -v name="$name" 'NR == 1 || $1 < wall { wall = $1 } NR == 1 || $2 + $3 < cpu { cpu = $2 + $3 } $4 > mem { mem = $4 }
    END { printf "%-44s %6.2f s wall %6.2f s processor %6.0f MB\n", name, wall, cpu, mem / 1024 }' all
  rm -f all times
}

q=(--quiet --no-progress)
"$sqnr" "${q[@]}" generate pink --rate 48000 --samples 10000000 -b 16 -o long.wav
least "plot spectrum, 10^7 samples, SVG" "$sqnr" "${q[@]}" plot spectrum long.wav -f -o s.svg
least "plot wave, 10^7 samples, PNG" "$sqnr" "${q[@]}" plot wave long.wav -f -o w.png
rm long.wav

"$sqnr" "${q[@]}" generate pink --rate 48000 --seconds 180 --channels 2 --level -12 -b 16 -o song.wav
for bits in 4 6 8 10 12; do "$sqnr" "${q[@]}" quantize -b $bits song.wav -o v$bits.wav; done
least "report, 3 min stereo, 5 versions" "$sqnr" "${q[@]}" report --ref song.wav v4.wav v6.wav v8.wav v10.wav v12.wav -f -o p.html
"$sqnr" "${q[@]}" report --ref song.wav v4.wav v6.wav v8.wav v10.wav v12.wav --no-audio -f -o silent.html
printf 'its page without audio: %d kB\n' $(($(stat -c %s silent.html) / 1000))

"$sqnr" "${q[@]}" generate pink --rate 48000 --seconds 10 --channels 2 --level -12 -b 16 -o clip.wav
"$sqnr" serve --no-open clip.wav > address &
server=$!
for _ in $(seq 100); do [ -s address ] && break; sleep 0.1; done
address=$(cat address)
for method in uniform mid-rise mu-law lloyd-max codec; do
  for shape in none auto; do
    [ "$method" = codec ] && [ "$shape" = auto ] && continue
    question="{\"method\":\"$method\",\"bits\":8,\"dither\":\"tpdf\",\"shape\":\"$shape\",\"quality\":5}"
    best=9
    # Once more than asked: the first question trains the codebook and designs the shaper.
    for _ in 0 $(seq "$runs"); do
      t=$(curl -s -o /dev/null -w '%{time_total}' -H 'Content-Type: application/json' -d "$question" "${address}result")
      best=$(awk -v a="$best" -v b="$t" 'BEGIN { print (b < a) ? b : a }')
    done
    printf 'serve, 10 s stereo, %-9s shaping %-5s %6.0f ms\n' "$method" "$shape" "$(awk -v t="$best" 'BEGIN { print t * 1000 }')"
  done
done
if [ "${TWO_HOURS:-}" ]; then
  "$sqnr" "${q[@]}" generate pink --rate 48000 --seconds 7200 --channels 2 --level -12 -b 16 -o hours.wav
  "$sqnr" "${q[@]}" quantize -b 8 hours.wav -o hours8.wav
  runs=1 least "report, 2 h stereo, 1 version" "$sqnr" "${q[@]}" report --ref hours.wav hours8.wav -f -o h.html
fi
