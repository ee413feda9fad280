#!/usr/bin/env bash
# The codec beside opusenc/opusdec, lame and oggenc/oggdec, whole programs in turns on one file: real-time factors of CPU time
# (user + system, the least of ROUNDS), what a second thread gains in wall time, and the memory of an hour of stereo.
# Needs opus-tools, lame, vorbis-tools and GNU time. Usage: benches/codec_speed.sh STEREO.wav [ROUNDS]
set -euo pipefail
source=$(realpath "${1:?a stereo WAV at 48 kHz of a minute or more}")
rounds=${2:-5}
# shellcheck source=benches/in_turns.sh
. "$(dirname "$0")/in_turns.sh"
bytes=$(stat -c %s "$source")
seconds=$(( (bytes - 44) / $(od -An -tu4 -j28 -N4 "$source") ))

row() { awk -v n="$1" -v s="$seconds" -v c="$(least cpu "$2")" 'BEGIN { printf "%-44s %8.2f s %7.0f x\n", n, c, s / c }'; }

"$sqnr" encode "$source" -o 128.sqn --force --quiet --bitrate 128k -j 1
opusenc --quiet --bitrate 128 "$source" 128.opus
lame --quiet -q0 -b 128 "$source" 128.mp3
oggenc --quiet -b 128 "$source" -o 128.ogg
for _ in $(seq "$rounds"); do
  measure quality "$sqnr" encode "$source" -o q.sqn --force --quiet -j 1
  measure opusenc opusenc --quiet --bitrate 100 "$source" q.opus
  measure lame lame --quiet -q0 -V4 "$source" q.mp3
  measure oggenc oggenc --quiet -q 3 "$source" -o q.ogg
  measure search "$sqnr" encode "$source" -o r.sqn --force --quiet --bitrate 100k -j 1
  measure decode "$sqnr" decode 128.sqn -o d.wav --force --quiet -j 1
  measure opusdec opusdec --quiet 128.opus d.wav
  measure mpg lame --quiet --decode 128.mp3 d.wav
  measure oggdec oggdec --quiet 128.ogg -o d.wav
  measure quality2 "$sqnr" encode "$source" -o q.sqn --force --quiet -j 2
  measure decode2 "$sqnr" decode 128.sqn -o d.wav --force --quiet -j 2
done
echo "$seconds s of stereo, one thread, CPU time, least of $rounds rounds in turns"
row "sqnr encode, quality 5" quality
row "opusenc --bitrate 100" opusenc
row "lame -q0 -V4" lame
row "oggenc -q 3" oggenc
row "sqnr encode --bitrate 100k" search
row "sqnr decode, 128 kbit/s" decode
row "opusdec, 128 kbit/s" opusdec
row "lame --decode, 128 kbit/s" mpg
row "oggdec, 128 kbit/s" oggdec
for way in quality decode; do
  awk -v n="$way" -v a="$(least wall $way)" -v b="$(least wall ${way}2)" \
    'BEGIN { printf "%-44s %8.2f x of one\n", "sqnr " n ", two threads, wall time", a / b }'
done
"$sqnr" generate pink --channels 2 --seconds 3600 --level -20 --bits 16 -o hour.wav --quiet
measure memory "$sqnr" encode hour.wav -o hour.sqn --quiet -j 1
measure memory_search "$sqnr" encode hour.wav -o hour2.sqn --quiet --bitrate 100k -j 1
measure memory_decode "$sqnr" decode hour.sqn -o hour2.wav --quiet -j 1
for way in memory memory_search memory_decode; do
  awk -v n="$way" '{ printf "%-44s %8.1f MiB\n", "an hour of stereo, " n, $4 / 1024 }' $way.time
done
