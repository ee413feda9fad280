#!/usr/bin/env bash
# Runs a command where a sound server has a loudspeaker that nobody hears: with_sound.sh COMMAND...
# For programs that need a sound device on a machine that has none. Exit 77 when a program it needs is not there.
set -eu
for program in pipewire wireplumber pipewire-pulse pactl dbus-run-session; do
    command -v "$program" >/dev/null || { echo "no $program"; exit 77; }
done
if [ -z "${SQNR_SOUND_INSIDE:-}" ]; then
    XDG_RUNTIME_DIR=$(mktemp -d)
    export SQNR_SOUND_INSIDE=1 XDG_RUNTIME_DIR
    status=0
    dbus-run-session -- "$0" "$@" || status=$?
    rm -rf "$XDG_RUNTIME_DIR"
    exit $status
fi
children=()
trap 'kill "${children[@]}" 2>/dev/null || true; wait 2>/dev/null || true' EXIT
until_true() { for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "not ready: $*"; exit 77; }
pipewire 2>/dev/null & children+=($!)
until_true test -S "$XDG_RUNTIME_DIR/pipewire-0"
wireplumber 2>/dev/null & children+=($!)
pipewire-pulse 2>/dev/null & children+=($!)
until_true pactl info
pactl load-module module-null-sink sink_name=nobody rate=48000 channels=2 >/dev/null
pactl set-default-sink nobody
"$@"
