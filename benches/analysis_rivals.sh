#!/usr/bin/env bash
# Meters side by side, in turns, least of the rounds.
#
# On a mono file at 48 kHz (349 s of pink noise and of a sine, and the files named): `sqnr analyze` (levels, true peak,
# loudness, and a tone's figures), `sox stat` (levels) and ffmpeg's ebur128 with true peak, user seconds of the processes.
# On a tone of 2^24 samples in memory: the tone figures and the averaged spectrum of `benches/analysis.rs`, of genalyzer and of
# scipy (benches/analysis_rivals.py), processor seconds of the thread.
# Needs sox, ffmpeg, GNU time, /proc, and for the second part a python3 with numpy, scipy and genalyzer (PYTHON=...).
# Usage: benches/analysis_rivals.sh [ROUNDS [MONO.wav...]]
set -euo pipefail
rounds=${1:-5}
shift || true
files=()
for file in "$@"; do files+=("$(realpath "$file")"); done
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=benches/in_turns.sh
. "$here/in_turns.sh"
python=${PYTHON:-python3}

for kind in pink sine; do
  "$sqnr" generate "$kind" --seconds 349 --level -3 --bits 16 -o "$kind.wav" --quiet
  files+=("$folder/$kind.wav")
done
for file in "${files[@]}"; do
  name=$(basename "$file" .wav)
  for _ in $(seq "$rounds"); do
    measure "$name.sqnr" "$sqnr" analyze -j 1 "$file"
    measure "$name.sox" sox "$file" -n stat
    measure "$name.ffmpeg" ffmpeg -nostats -threads 1 -i "$file" -af ebur128=peak=true -f null -
  done
  for program in sqnr sox ffmpeg; do
    awk -v n="$name" -v p="$program" -v w="$(least wall "$name.$program")" -v u="$(least user "$name.$program")" \
      -v s="$(least user "$name.sqnr")" \
      'BEGIN { printf "%-8s %-7s wall %.2f s  user %.2f s  %.2f of sqnr\n", n, p, w, u, u / s }'
  done
done

bench=$(cd "$root" && cargo bench --features live --bench analysis --no-run 2>&1 |
  sed -n 's/.*(\(target\/release\/deps\/analysis-[0-9a-f]*\)).*/\1/p')
for _ in $(seq "$rounds"); do
  "$root/$bench" --turn
  "$python" "$here/analysis_rivals.py" || echo "python: numpy, scipy or genalyzer missing, left out" >&2
done | awk -F '\t' '!($1 in least) { names[++n] = $1; least[$1] = $2 } $2 < least[$1] { least[$1] = $2 }
  END { for (i = 1; i <= n; i++) printf "%-52s %.3f s\n", names[i], least[names[i]] }'
