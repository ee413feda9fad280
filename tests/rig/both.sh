#!/usr/bin/env bash
# A hook of pipewire.sh: records the microphone's input beside the loudspeaker's output, on one clock, into both.raw:
# 32-bit float, 48 kHz, four channels, the first of the input in the first, the first of the output in the third.
set -eu
pactl load-module module-null-sink sink_name=both rate=48000 channels=4 channel_map=aux0,aux1,aux2,aux3 >/dev/null
link() { for _ in $(seq 50); do pw-link "$1" "$2" 2>/dev/null && return; sleep 0.1; done; }
link source:monitor_FL both:playback_AUX0
link heard:monitor_FL both:playback_AUX2
exec parec --device=both.monitor --format=float32le --rate=48000 --channels=4 --channel-map=aux0,aux1,aux2,aux3 \
    --latency-msec=200 >"$XDG_RUNTIME_DIR/../both.raw"
