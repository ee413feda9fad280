#!/usr/bin/env bash
# A hook of pipewire.sh: two seconds into the run the sound server dies, and a second and a half later it is back.
set -eu
sleep 2
pkill -KILL -x -P "$PPID" pipewire-pulse
sleep 1.5
pipewire-pulse >>"$XDG_RUNTIME_DIR/../pulse.log" 2>&1 & server=$!
trap 'kill $server; exit' TERM
for _ in $(seq 50); do pactl info >/dev/null 2>&1 && break; sleep 0.1; done
for sink in source heard; do pactl load-module module-null-sink sink_name=$sink rate=48000 channels=2 >/dev/null; done
pactl set-default-source source.monitor
pactl set-default-sink heard
wait $server
