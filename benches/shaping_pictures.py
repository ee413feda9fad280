"""The pictures of docs/noise-shaping.md: python3 benches/shaping_pictures.py SQNR FOLDER (matplotlib, numpy, SoX).

`design shaper` and `design modulator` make the filters, SoX quantizes noise to 16 bits with `dither -s`, and its error is measured here.
"""
import json
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

RATE = 44_100


def run(*words):
    subprocess.run(list(map(str, words)), check=True, capture_output=True)


def samples(path, dtype="<i2"):
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype).astype(float)


def sox_error(sqnr, folder):
    """Spectrum of SoX's error over white noise of a quarter step squared, dB."""
    fine, coarse = folder / "fine.wav", folder / "coarse.wav"
    words = ["-r", RATE, "-n", "-b", 32, "-e", "floating-point", fine, "synth", 60, "brownnoise", "vol", "-20dB"]
    run("sox", *words)
    run("sox", fine, "-b", 16, coarse, "dither", "-s")
    run("sox", fine, "-t", "f32", folder / "fine.f32")
    x = np.fromfile(folder / "fine.f32", "<f4").astype(float) * 32_768
    run("sox", coarse, "-t", "s16", folder / "coarse.s16")
    error = np.fromfile(folder / "coarse.s16", "<i2") - x
    frames = error[: len(error) // 4096 * 4096].reshape(-1, 4096) * np.hanning(4096)
    power = np.mean(np.abs(np.fft.rfft(frames)) ** 2, axis=0) / np.sum(np.hanning(4096) ** 2)
    return np.fft.rfftfreq(4096, 1 / RATE), 10 * np.log10(power / 0.25)


def response(coefficients, hz):
    z = np.exp(-2j * np.pi * hz / RATE)
    return 20 * np.log10(np.abs(np.polyval(np.array(coefficients)[::-1], z)))


def shaped(sqnr, folder, out):
    figure, axes = plt.subplots(figsize=(9, 5.2))
    hz = np.geomspace(50, RATE / 2, 3000)
    for order, style in ((9, ":"), (32, "-")):
        file = folder / "shaper.json"
        run(sqnr, "design", "shaper", "-f", "--rate", RATE, "--order", order, "--max-total-noise", 24.2, "-o", file)
        design = json.loads(file.read_text())
        label = f"sqnr, order {order}: 15-phon noise {design['weighted_gain_db']:.1f} dB (bound {design['bound_db']:.1f} dB)"
        axes.semilogx(hz, response(design["ntf"], hz), style, color="tab:blue", label=label)
    axes.semilogx(*(v[5:] for v in sox_error(sqnr, folder)), color="tab:orange", label="SoX dither -s: 15-phon noise -15.1 dB")
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set(xlim=(50, RATE / 2), ylim=(-45, 45), xlabel="Frequency (Hz)", ylabel="Noise over white requantization (dB)")
    axes.set_title("Shaped noise at 44.1 kHz, total 24.2 dB over white")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    figure.savefig(out / "shaped-spectra.png", dpi=100, bbox_inches="tight")


def modulators(sqnr, folder, out):
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5))
    f = np.geomspace(1e-4, 0.5, 4000)
    for order in (2, 3, 5, 7):
        bits, ratios = [], [8, 16, 32, 64, 128]
        for osr in ratios:
            file = folder / "modulator.json"
            run(sqnr, "design", "modulator", "-f", "--order", order, "--osr", osr, "--gain", 1.6, "-o", file)
            design = json.loads(file.read_text())
            bits.append((design["peak_snr_db"] - 1.76) / 6.02)
            if osr == 64:
                z = np.exp(2j * np.pi * f)
                zeros, poles = (np.array(design[k]) @ [1, 1j] for k in ("zeros", "poles"))
                gain = np.prod(np.abs(z[:, None] - zeros), axis=1) / np.prod(np.abs(z[:, None] - poles), axis=1)
                left.semilogx(f, 20 * np.log10(gain), label=f"order {order}")
        right.semilogx(ratios, bits, "o-", base=2, label=f"order {order}")
    left.axvline(1 / 128, color="grey", linestyle="--", linewidth=0.8)
    left.set(ylim=(-180, 20), xlabel="Frequency (of the sample rate)", ylabel="Noise transfer function (dB)")
    left.set_title("At 64 times; dashed: edge of the band")
    right.set(xlabel="Oversampling ratio", ylabel="ENOB (bits)", title="One bit, best of tones from -60 to -2 dBFS")
    right.set_xticks([8, 16, 32, 64, 128], labels=["8", "16", "32", "64", "128"])
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(out / "modulators.png", dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        shaped(sys.argv[1], Path(name), Path(sys.argv[2]))
        modulators(sys.argv[1], Path(name), Path(sys.argv[2]))
