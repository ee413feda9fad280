#!/usr/bin/env bash
# Whole programs side by side, in turns: `sqnr quantize -b 8` and `sox -b 8` on ten minutes of stereo at 48 kHz; the memory
# of two hours; the time of --help. Needs sox and GNU time. Usage: benches/end_to_end.sh [ROUNDS]
set -euo pipefail
rounds=${1:-7}
# shellcheck source=benches/in_turns.sh
. "$(dirname "$0")/in_turns.sh"

"$sqnr" generate pink --channels 2 --seconds 600 --level -20 --bits 16 -o ten.wav --quiet
for _ in $(seq "$rounds"); do
  measure sqnr "$sqnr" quantize -b 8 -j 1 ten.wav -f -o out.wav
  measure sox sox ten.wav -b 8 out.wav
done
awk -v a="$(median wall sqnr)" -v b="$(median wall sox)" 'BEGIN { printf "quantize -b 8, 10 min stereo, wall:  sqnr %.2f s  sox %.2f s  ratio %.2f\n", a, b, a / b }'
awk -v a="$(median cpu sqnr)" -v b="$(median cpu sox)" 'BEGIN { printf "quantize -b 8, 10 min stereo, CPU:   sqnr %.2f s  sox %.2f s  ratio %.2f\n", a, b, a / b }'

"$sqnr" generate pink --channels 2 --seconds 7200 --level -20 --bits 16 -o hours.wav --quiet
measure memory "$sqnr" quantize -b 8 hours.wav -f -o out.wav
measure trained "$sqnr" quantize -b 4 -m lloyd-max hours.wav -f -o out.wav
measure memory_sox sox hours.wav -b 8 out.wav
awk '{ printf "quantize -b 8, 2 h stereo, resident: sqnr %.1f MiB\n", $4 / 1024 }' memory.time
awk '{ printf "the same with -m lloyd-max -b 4:     sqnr %.1f MiB\n", $4 / 1024 }' trained.time
awk '{ printf "the same:                            sox  %.1f MiB\n", $4 / 1024 }' memory_sox.time

start=$(date +%s%N)
for _ in $(seq 50); do "$sqnr" --help > /dev/null; done
echo "sqnr --help: $(( ($(date +%s%N) - start) / 50000 )) us"
