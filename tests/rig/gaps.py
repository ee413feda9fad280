#!/usr/bin/env python3
"""Where a run of pipewire.sh lost sound: before sqnr (sent, dry) and behind it (wet, heard), frame by frame.

usage: gaps.py SENT.wav FOLDER        stereo, 32-bit float, one sample rate

Every frame of the first must come in the second, in order. Prints both counts and each gap: when, how many frames are
left out, and how many others stand in their place. What begins before the recording does, or sounds on after its end,
is no gap. Exit 1 when there is one.
"""

import sys

FRAME = 8
RATE_HZ = 48000
RUN = 64 * FRAME  # as many that agree are no chance
REACH = 2 * RATE_HZ * FRAME  # a gap is sought this far


def samples(path):
    """The bytes of the WAV file's data chunk; of any other file, all of them."""
    data = open(path, "rb").read()
    if data[:4] != b"RIFF":
        return data[: len(data) // FRAME * FRAME]
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            return data[at + 8 : at + 8 + size // FRAME * FRAME]
        at += 8 + size + size % 2
    sys.exit(f"{path}: no data chunk")


def alike(a, i, b, j):
    """Bytes from a[i] and b[j] on that agree, in whole frames."""
    n, at, step = min(len(a) - i, len(b) - j), 0, 1 << 20
    while at < n:
        size = min(step, n - at)
        if a[i + at : i + at + size] == b[j + at : j + at + size]:
            at += size
        elif step <= FRAME:
            break
        else:
            step = max(FRAME, step // 16)
    return at


def find(b, run, start, end):
    """The first frame of b from start on at which run stands; -1 for none."""
    at = b.find(run, start, end)
    while at >= 0 and at % FRAME:
        at = b.find(run, at + 1, end)
    return at


def begin(a, b):
    """Where a sounds and is found in b for the first time."""
    for i in range(0, min(len(a), 10 * RATE_HZ * FRAME), RUN):
        run = a[i : i + RUN]
        j = find(b, run, 0, 20 * RATE_HZ * FRAME) if any(run) else -1
        if j >= 0:
            return i, j
    return None


def resume(a, i, b, j):
    """The next places after i and j from which on both agree again."""
    for ahead in range(i, min(i + REACH, len(a) - RUN), 16 * FRAME):
        found = find(b, a[ahead : ahead + RUN], j, j + REACH)
        if found >= 0:
            while ahead > i and found > j and a[ahead - FRAME : ahead] == b[found - FRAME : found]:
                ahead, found = ahead - FRAME, found - FRAME
            return ahead, found
    return None


def gaps(a, b):
    """Triples of time in seconds, frames of a left out, frames of b in their place; None when nothing is alike."""
    start = begin(a, b)
    if start is None:
        return None
    (i, j), found = start, []
    while True:
        n = alike(a, i, b, j)
        i, j = i + n, j + n
        # The last second may be under way when the recording ends.
        if i + RATE_HZ * FRAME >= len(a) or j + RATE_HZ * FRAME >= len(b):
            return found
        next_places = resume(a, i, b, j)
        if next_places is None:
            found.append((i / FRAME / RATE_HZ, (len(a) - i) // FRAME, (len(b) - j) // FRAME))
            return found
        found.append((i / FRAME / RATE_HZ, (next_places[0] - i) // FRAME, (next_places[1] - j) // FRAME))
        i, j = next_places


def main():
    sent, folder = sys.argv[1:]
    total = 0
    for first, second, what in [
        (sent, f"{folder}/take.dry.wav", "before sqnr"),
        (f"{folder}/take.wet.wav", f"{folder}/heard.raw", "behind sqnr"),
    ]:
        found = gaps(samples(first), samples(second))
        if found is None:
            print(f"gaps {what}: nothing came through")
            total += 1
            continue
        print(f"gaps {what}: {len(found)}")
        for at_s, n_out, n_in in found:
            print(f"  at {at_s:.3f} s: {n_out} frames left out, {n_in} others in their place")
        total += len(found)
    sys.exit(total > 0)


main()
