#!/usr/bin/env bash
# Report and live page in a real browser: tests/browser/run.sh [folder for screenshots]
# Needs node, npm's playwright-core beside this file (npm install) and Chromium; says what is missing. It installs nothing.
# Where Debian's Firefox is there too (FIREFOX names another), it opens, plays and tests the report as well.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
shots=${1:-$(mktemp -d)}
mkdir -p "$shots"

missing=()
command -v node > /dev/null || missing+=("node (Debian: nodejs)")
[ -d "$here/node_modules/playwright-core" ] || missing+=("playwright-core (npm install, in tests/browser)")
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=("Chromium (Debian: chromium; or CHROMIUM=program)")
if [ ${#missing[@]} -gt 0 ]; then
  printf 'tests/browser: missing: %s\n' "${missing[@]}" >&2
  exit 3
fi

sqnr=${SQNR:-$root/target/debug/sqnr}
[ -n "${SQNR:-}" ] || cargo build --quiet --manifest-path "$root/Cargo.toml" --bin sqnr
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cd "$work"

# Two seconds of a real recording, and what quantizers and the codec make of it.
cp "$root/testdata/drum_loop.wav" drum.wav
"$sqnr" --quiet quantize -b 8 drum.wav -o eight.wav
"$sqnr" --quiet quantize -b 4 -d none drum.wav -o four.wav
"$sqnr" --quiet encode drum.wav -o drum.sqn
# A name longer than a narrow window is wide.
coded='decoded_from_a_file_of_the_codec_with_a_long_name_<b>.wav'
"$sqnr" --quiet decode drum.sqn -o "$coded"
"$sqnr" --quiet report --ref drum.wav eight.wav "$coded" four.wav -o page.html
node "$here/report.mjs" page.html "$shots"
firefox=${FIREFOX:-/usr/bin/firefox-esr}
if [ -x "$firefox" ]; then
  # Firefox plays only where there is a device; without the rig's the test says that it left listening out.
  with_sound=("$root/tests/rig/with_sound.sh")
  "${with_sound[@]}" true > /dev/null 2>&1 || with_sound=()
  BROWSER=firefox FIREFOX=$firefox "${with_sound[@]}" node "$here/report.mjs" page.html "$shots/firefox"
fi

# The figures that the live page must show.
expected() {
  snr=$("$sqnr" --quiet --json quantize -b "$2" -m "$1" ${4:-} -d "$3" drum.wav -f -o q.wav | sed 's/.*"snr_db":\([0-9.]*\).*/\1/')
  printf '{"knobs": {"method": "%s", "bits": %s, "dither": "%s", "shape": "none"}, "snr_db": %s}' "$1" "$2" "$3" "$snr"
}
{
  printf '['
  expected uniform 6 tpdf; printf ','
  expected uniform 3 none; printf ','
  expected mid-rise 5 rpdf; printf ','
  expected mu-law 8 none '--law continuous'; printf ','
  expected lloyd-max 4 none
  printf ']'
} > expected.json
"$sqnr" serve --no-open drum.wav eight.wav > address &
server=$!
for _ in $(seq 100); do [ -s address ] && break; sleep 0.1; done
node "$here/serve.mjs" "$(cat address)" expected.json "$shots"
