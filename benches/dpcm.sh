#!/usr/bin/env bash
# SNR of DPCM and of Lloyd-Max on files, dB, 2 to 6 bits, as a Markdown table. Each figure is what `quantize` prints.
#
#   benches/dpcm.sh PROGRAM FILE...
set -euo pipefail
program=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

snr() {
  "$program" quantize "$@" -o "$folder/out.wav" -f --json 2> "$folder/line" |
    python3 -c 'import json, sys; print("%.1f" % json.load(sys.stdin)["snr_db"])'
}

echo "| file | 2 bits | 3 bits | 4 bits | 5 bits | 6 bits |"
echo "|---|---|---|---|---|---|"
for file in "$@"; do
  "$program" design predictor "$file" -o "$folder/p.json" -f > "$folder/table" 2>&1
  row="| $(basename "${file%.*}") |"
  for bits in 2 3 4 5 6; do
    row+=" $(snr -m "$folder/p.json" -b "$bits" "$file") ($(snr -m lloyd-max -b "$bits" "$file")) |"
  done
  echo "$row"
done
