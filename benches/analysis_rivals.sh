#!/usr/bin/env bash
# Meters side by side, in turns, on 349 s of mono at 48 kHz: `sqnr analyze` (levels, true peak, loudness, and a tone's
# figures), `sox stat` (levels) and ffmpeg's ebur128 with true peak; then, where python3 has numpy and scipy, Welch's
# spectrum of 2^24 samples there, beside `cargo bench --bench analysis averaged`. Needs sox, ffmpeg and GNU time.
# Usage: benches/analysis_rivals.sh [ROUNDS]
set -euo pipefail
rounds=${1:-5}
root=$(cd "$(dirname "$0")/.." && pwd)
sqnr=$root/target/release/sqnr
[ -x "$sqnr" ] || { echo "build first: cargo build --release" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# measure NAME COMMAND...: appends wall seconds and CPU seconds to NAME.
measure() {
  local name=$1
  shift
  /usr/bin/time -a -o "$name" -f '%e %U %S' "$@" > /dev/null 2>&1
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for input in pink sine; do
  "$sqnr" generate "$input" --seconds 349 --level -3 --bits 16 -o "$input.wav" --quiet
  for _ in $(seq "$rounds"); do
    measure "$input.sqnr" "$sqnr" analyze -j 1 "$input.wav"
    measure "$input.sox" sox "$input.wav" -n stat
    measure "$input.ffmpeg" ffmpeg -nostats -threads 1 -i "$input.wav" -af ebur128=peak=true -f null -
  done
  for program in sqnr sox ffmpeg; do
    wall=$(awk '{ print $1 }' "$input.$program" | median)
    cpu=$(awk '{ print $2 + $3 }' "$input.$program" | median)
    printf '%-5s %-7s wall %.2f s  CPU %.2f s\n' "$input" "$program" "$wall" "$cpu"
  done
done

python3 - "$rounds" << 'PYTHON' || echo "scipy: not installed, left out"
import sys, time
import numpy, scipy.signal
x = numpy.random.default_rng(1).standard_normal(1 << 24)
times = []
for _ in range(int(sys.argv[1])):
    start = time.process_time()
    scipy.signal.welch(x, 48000, "hann", nperseg=1 << 16, noverlap=0)
    times.append(time.process_time() - start)
print(f"scipy welch, 2^24 samples, 64k frames: CPU {sorted(times)[len(times) // 2]:.2f} s")
PYTHON
