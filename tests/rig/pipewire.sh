#!/usr/bin/env bash
# A sound system without sound cards, in real time: PipeWire with two null sinks.
#
#   paplay INPUT.wav -> sink "source" -> its monitor -> sqnr live -> sink "heard" -> its monitor -> parec HEARD.raw
#
# usage: pipewire.sh SQNR INPUT.wav FOLDER SECONDS [options of sqnr live]
# SQNR_RIG_QUANTUM: the sound server's block in frames; SQNR_RIG_HOOK: a program to run beside it.
# Leaves in FOLDER: heard.raw (32-bit float, 48 kHz, stereo), lines.json (what sqnr printed), take.dry.wav, take.wet.wav.
# Exit 77 when a program it needs is not there.
set -eu
sqnr=$1 input=$2 folder=$3 seconds=$4
shift 4

for program in pipewire wireplumber pipewire-pulse pactl paplay parec dbus-run-session; do
    command -v "$program" >/dev/null || { echo "no $program"; exit 77; }
done
if [ -z "${SQNR_RIG_INSIDE:-}" ]; then
    mkdir -p "$folder/xdg" "$folder/home"
    chmod 700 "$folder/xdg"
    printf 'pcm.!default { type pulse }\nctl.!default { type pulse }\n' >"$folder/home/.asoundrc"
    export SQNR_RIG_INSIDE=1 XDG_RUNTIME_DIR=$folder/xdg HOME=$folder/home
    exec dbus-run-session -- "$0" "$sqnr" "$input" "$folder" "$seconds" "$@"
fi

# A desktop gives its sound server real-time threads (by rtkit); where this user may not, it runs as any program. Those
# who send and record are part of the rig, not of what it tests: they get as much, and a second in hand.
real_time=(chrt --rr 20)
"${real_time[@]}" true 2>/dev/null || real_time=()

children=()
trap 'kill "${children[@]}" 2>/dev/null || true; wait 2>/dev/null || true' EXIT
until_true() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "not ready: $*"; exit 77; }
has_source() { pactl list short sources | grep -q "$1"; }

"${real_time[@]}" pipewire 2>"$folder/pipewire.log" & children+=($!)
until_true test -S "$XDG_RUNTIME_DIR/pipewire-0"
"${real_time[@]}" wireplumber 2>"$folder/wireplumber.log" & children+=($!)
"${real_time[@]}" pipewire-pulse 2>"$folder/pulse.log" & children+=($!)
until_true pactl info
[ -z "${SQNR_RIG_QUANTUM:-}" ] || pw-metadata -n settings 0 clock.force-quantum "$SQNR_RIG_QUANTUM" >/dev/null
for sink in source heard; do
    pactl load-module module-null-sink sink_name=$sink rate=48000 channels=2 >/dev/null
    until_true has_source $sink.monitor
done
pactl set-default-source source.monitor
pactl set-default-sink heard

"${real_time[@]}" parec --device=heard.monitor --format=float32le --rate=48000 --channels=2 --latency-msec=200 >"$folder/heard.raw" 2>"$folder/parec.log" & recorder=$!
children+=($recorder)
[ -z "${SQNR_RIG_HOOK:-}" ] || { "$SQNR_RIG_HOOK" & children+=($!); }
"$sqnr" live --no-tui --json --seconds "$seconds" --record "$folder/take" -f "$@" >"$folder/lines.json" 2>"$folder/sqnr.log" & live=$!
# Its first line comes when it has captured for a second; when it ends before that it has its reasons.
for _ in $(seq 200); do { [ -s "$folder/lines.json" ] || ! kill -0 $live 2>/dev/null; } && break; sleep 0.1; done
"${real_time[@]}" paplay --device=source --latency-msec=1000 "$input" 2>"$folder/paplay.log" & children+=($!)
status=0
wait $live || status=$?
sleep 0.5
kill $recorder 2>/dev/null || true
exit $status
