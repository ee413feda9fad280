#!/usr/bin/env bash
# Ten minutes of sqnr live beside two busy loops: how much sound is lost, and where.
#
# usage: ten_minutes.sh SQNR [SECONDS [options of sqnr live]]      default: 600 --buffer 2048
#
# Noise of as many seconds goes through the rig of pipewire.sh; all that was sent must be in the recording before sqnr, and all
# that sqnr gave in the one behind it. Prints what sqnr counted, the gaps found in either, and what else may explain one:
# the load, the time that a hypervisor took, the moments at which the machine stood still. Exit 0 when nothing was lost.
set -eu
sqnr=$(realpath "$1") seconds=${2:-600}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- --buffer 2048
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
children=()
trap 'kill "${children[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT

"$sqnr" generate white --level -9 --channels 2 --seconds "$seconds" -o "$folder/sent.wav" 2>"$folder/generate.log"

for _ in 1 2; do
    (while :; do :; done) & children+=($!)
done
"$here/stalls.py" "$seconds" 10 >"$folder/stalls" & stalls=$!
stolen() { awk '/^cpu / { print $9 * 1000 / '"$(getconf CLK_TCK)"' }' /proc/stat; }
stolen_before=$(stolen)
# One block of the sound server's for one of ours: with shorter ones a stall of the machine that we outlive stops it.
export SQNR_RIG_QUANTUM=${SQNR_RIG_QUANTUM:-2048}
status=0
"$here/pipewire.sh" "$sqnr" "$folder/sent.wav" "$folder" "$seconds" "$@" || status=$?
[ $status -ne 77 ] || exit 77
wait $stalls || echo "no right to real time: stalls of the machine are not known" >"$folder/stalls"
echo "sqnr live $*, $seconds s, exit code $status"
echo "load $(cut -d' ' -f1-3 /proc/loadavg), taken by the hypervisor $(($(stolen) - stolen_before)) ms"
cat "$folder/stalls"
python3 - "$folder/lines.json" <<'PYTHON'
import json, sys
last = json.loads(open(sys.argv[1]).read().splitlines()[-1])
keys = ["underruns", "underrun_frames", "lost_frames", "device_xruns", "drift_ppm", "reserve_frames", "input_block_frames"]
print("counted:", ", ".join(f"{key} {last[key]}" for key in keys), f"latency {last['latency_s'] * 1e3:.1f} ms")
PYTHON
python3 "$here/gaps.py" "$folder/sent.wav" "$folder"
exit $status
