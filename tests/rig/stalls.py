#!/usr/bin/env python3
"""How long this machine stands still: a thread on each core that does nothing but sleep 2 ms, before all others.

usage: stalls.py SECONDS LEAST_MS       (real time, priority 99; without the right to it, ends at once with exit 77)

Prints each time that such a thread woke more than LEAST_MS too late, with seconds since the start: neither load nor any
program explains it, and no sound server outlives one longer than its block.
"""

import os
import sys
import threading
import time

PAUSE_S = 0.002


def watch(core, start_s, end_s, least_s, found):
    os.sched_setaffinity(0, {core})
    before_s = time.monotonic()
    while before_s < end_s:
        time.sleep(PAUSE_S)
        now_s = time.monotonic()
        late_s = now_s - before_s - PAUSE_S
        if late_s > least_s:
            found.append((now_s - start_s, core, late_s))
        before_s = now_s


def main():
    seconds, least_ms = map(float, sys.argv[1:])
    try:
        # Threads inherit it.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
    except PermissionError:
        sys.exit(77)
    start_s, found = time.monotonic(), []
    cores = sorted(os.sched_getaffinity(0))
    arguments = [(core, start_s, start_s + seconds, least_ms / 1e3, found) for core in cores]
    threads = [threading.Thread(target=watch, args=a) for a in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    longest_ms = max((late_s for _, _, late_s in found), default=0.0) * 1e3
    print(f"stalls of the machine above {least_ms:g} ms: {len(found)}, the longest {longest_ms:.0f} ms")
    for at_s, core, late_s in sorted(found):
        print(f"  at {at_s:.1f} s: core {core}, {late_s * 1e3:.0f} ms")


main()
