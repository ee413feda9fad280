#!/usr/bin/env python3
"""One turn of the rivals of benches/analysis.rs: processor seconds of the thread, a line each, name and time.

A tone of -1 dBFS in 16-bit codes, 2^24 samples at 48 kHz. genalyzer: its spectrum (Blackman-Harris, four terms) and its
Fourier analysis with six harmonics; spectra averaged over frames of 2^16. scipy: Welch's method with the same frames.
Needs numpy, scipy, and genalyzer with its C library.
"""
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import genalyzer as gn
import numpy as np
import scipy.signal

N, FRAME, RATE = 1 << 24, 1 << 16, 48_000.0


def record() -> np.ndarray:
    rng = np.random.default_rng(1)
    tone = 0.891 * np.sin(2 * np.pi * np.modf(997.0 / RATE * np.arange(N))[0]) * 32_768
    return np.round(tone + rng.random(N) + rng.random(N) - 1) / 32_768


def timed(name: str, run) -> None:
    start = time.thread_time()
    run()
    print(f"{name}\t{time.thread_time() - start:.4f}", flush=True)


def genalyzer_tone(x: np.ndarray) -> dict:
    spectrum = gn.rfft(x, 1, N, gn.Window.BLACKMAN_HARRIS, gn.RfftScale.DBFS_SIN)
    return gn.fft_analysis("tone", spectrum, N)


def main() -> None:
    x = record()
    gn.fa_create("tone")
    gn.fa_max_tone("tone", "A", gn.FaCompTag.SIGNAL, 4)
    gn.fa_hd("tone", 6)
    gn.fa_ssb("tone", gn.FaSsb.DEFAULT, 4)
    gn.fa_fsample("tone", RATE)
    timed("genalyzer, tone of 2^24 samples", lambda: genalyzer_tone(x))
    timed(
        "genalyzer, averaged 64k spectrum of 2^24 samples",
        lambda: gn.rfft(x, N // FRAME, FRAME, gn.Window.HANN, gn.RfftScale.DBFS_SIN),
    )
    timed(
        "scipy welch, averaged 64k spectrum of 2^24 samples",
        lambda: scipy.signal.welch(x, RATE, "hann", nperseg=FRAME, noverlap=0),
    )


main()
