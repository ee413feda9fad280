#!/usr/bin/env bash
# Encodes and decodes every audio file of a folder, and those in folders below, and checks that each comes back with
# exactly its own length, rate and channels. Prints a line a file and a total; exit code 1 when one does not.
#
# usage: codec_round_trip.sh DIR [options of sqnr encode, such as -q 3]
set -u
sqnr=${SQNR:-sqnr}
folder=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# figure KEY < JSON: a number by its key
figure() { sed -n "s/.*\"$1\":\([0-9.eE+-]*\)[,}].*/\1/p"; }
format() { printf '%s Hz, %s channels' "$(figure sample_rate_hz <<<"$1")" "$(figure channels <<<"$1")"; }

files=0 failed=0
while IFS= read -r -d '' file; do
    files=$((files + 1))
    if ! encoded=$("$sqnr" encode -f --json --verify "$@" "$file" -o "$work/x.sqn" 2>"$work/said"); then
        echo "FAILED to encode $file: $(tail -1 "$work/said")"
        failed=$((failed + 1))
        continue
    fi
    if ! "$sqnr" decode -f --quiet "$work/x.sqn" -o "$work/x.wav" 2>"$work/said"; then
        echo "FAILED to decode $file: $(tail -1 "$work/said")"
        failed=$((failed + 1))
        continue
    fi
    before=$("$sqnr" info --json "$file")
    after=$("$sqnr" info --json "$work/x.wav")
    # the original as it was read a second time, sample by sample
    n=$(figure reference_samples <<<"$encoded")
    if [ "$n" = "$(figure samples <<<"$after")" ] && [ "$(format "$before")" = "$(format "$after")" ]; then
        printf 'ok  %9s samples  %s  %.1f kbit/s  %s\n' \
            "$n" "$(format "$after")" "$(figure bitrate_kbps <<<"$encoded")" "${file#"$folder"/}"
    else
        echo "DIFFERS $file: $n samples, $(format "$before"); decoded $(figure samples <<<"$after"), $(format "$after")"
        failed=$((failed + 1))
    fi
done < <(find "$folder" -type f \( -iname '*.wav' -o -iname '*.flac' -o -iname '*.mp3' -o -iname '*.ogg' -o -iname '*.aif*' \
    -o -iname '*.m4a' -o -iname '*.caf' \) -print0 | sort -z)
echo "$files files, $failed failed"
[ "$failed" -eq 0 ]
