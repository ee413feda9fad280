#!/usr/bin/env bash
# A hook of pipewire.sh: while live runs, the sound server goes to 44.1 kHz and back, and then the loudspeaker is taken
# away and comes back as one of 44.1 kHz.
set -eu
folder=$XDG_RUNTIME_DIR/..
n_lines() { wc -l <"$folder/lines.json"; }
wait_lines() { for _ in $(seq 300); do [ "$(n_lines)" -ge "$1" ] && return; sleep 0.1; done; exit 1; }
wait_lines 2
pw-metadata -n settings 0 clock.force-rate 44100 >/dev/null
wait_lines 4
pw-metadata -n settings 0 clock.force-rate 0 >/dev/null
wait_lines 6
pactl unload-module "$(pactl list short modules | grep sink_name=heard | cut -f1)"
pactl load-module module-null-sink sink_name=heard rate=44100 channels=2 >/dev/null
pactl set-default-sink heard
# Streams follow the default; the microphone's sound goes back to the microphone.
sender=$(pactl list sink-inputs | awk '/^Sink Input #/ { id = $3 } /application.name = "paplay"/ { print substr(id, 2) }')
pactl move-sink-input "$sender" source
echo done >"$folder/changed"
