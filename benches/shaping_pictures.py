"""The pictures of docs/noise-shaping.md: python3 benches/shaping_pictures.py SQNR FOLDER (matplotlib, numpy, SoX).

Every noise spectrum is measured: of 16-bit files that sqnr and SoX (`dither -s`) write of the same noise, and of the bits of DSF files. The
bound on shaped noise is computed here, from ISO 226's own table, and must agree with what `design shaper` says. Prints the table of bits over
oversampling ratios.
"""
import csv
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

RATE = 44_100
ORDERS = (2, 3, 5, 7)
RATIOS = (8, 16, 32, 64, 128)
THEORY = Path(__file__).parent.parent / "testdata/golden/shaping/deltasigma_theory.csv"

# ISO 226:2003, table 1: frequency in Hz, alpha, L_U in dB, threshold in dB SPL.
ISO_226 = np.array("""
20 .532 -31.6 78.5  25 .506 -27.2 68.7  31.5 .480 -23.0 59.5  40 .455 -19.1 51.1  50 .432 -15.9 44.0  63 .409 -13.0 37.5
80 .387 -10.3 31.5  100 .367 -8.1 26.5  125 .349 -6.2 22.1  160 .330 -4.5 17.9  200 .315 -3.1 14.4  250 .301 -2.0 11.4
315 .288 -1.1 8.6  400 .276 -0.4 6.2  500 .267 0.0 4.4  630 .259 0.3 3.0  800 .253 0.5 2.2  1000 .250 0.0 2.4
1250 .246 -2.7 3.5  1600 .244 -4.1 1.7  2000 .243 -1.0 -1.3  2500 .243 1.7 -4.2  3150 .243 2.5 -6.0  4000 .242 1.2 -5.4
5000 .242 -2.1 -1.5  6300 .245 -7.1 6.0  8000 .254 -11.2 12.6  10000 .271 -10.7 13.9  12500 .301 -3.1 12.3
""".split(), float).reshape(-1, 4)
# The threshold above: the other contours go on in parallel.
ABOVE = np.array([[14_000, 18.4], [16_000, 40.2], [18_000, 70.4], [24_000, 160.4]])


def run(*words):
    subprocess.run(list(map(str, words)), check=True, capture_output=True)


def raw(file, kind, dtype):
    return np.frombuffer(subprocess.run(["sox", file, "-t", kind, "-"], check=True, capture_output=True).stdout, dtype).astype(float)


def density_db(x, n, window):
    """Mean power spectrum over white noise of power 1, dB."""
    frames = x[: len(x) // n * n].reshape(-1, n)
    power = sum(np.abs(np.fft.rfft(frame * window)) ** 2 for frame in frames) / len(frames)
    return 10 * np.log10(power / np.sum(window**2))


def phon15_weight(hz):
    """Minus the 15-phon contour, as a power, mean 1."""
    f, alpha, level, threshold = ISO_226.T
    heard = (0.4 * 10 ** ((threshold + level) / 10 - 9)) ** alpha
    a = 4.47e-3 * (10 ** (0.025 * 15) - 1.15) + heard
    contour = 10 / alpha * np.log10(a) - level + 94
    beyond = ABOVE[:, 1] - threshold[-1] + contour[-1]
    db = -np.interp(np.log(hz), np.log(np.append(f, ABOVE[:, 0])), np.append(contour, beyond))
    weight = 10 ** ((db - db.max()) / 10)
    return weight / weight.mean()


def bound(total_db):
    """The filter without end of least weighted noise with the given total: Hz, its power, the weighted noise in dB."""
    hz = (np.arange(1 << 15) + 0.5) * RATE / 2 / (1 << 15)
    weight = phon15_weight(hz)
    low, high = -30.0, 10.0
    for _ in range(100):
        exponent = (low + high) / 2
        power = np.exp(np.mean(np.log(weight + 10**exponent))) / (weight + 10**exponent)
        low, high = (exponent, high) if power.mean() > 10 ** (total_db / 10) else (low, exponent)
    return hz, power, 10 * np.log10(np.mean(power * weight))


def shaped(sqnr, folder, out):
    fine, coarse, file = folder / "fine.wav", folder / "coarse.wav", folder / "shaper.json"
    run("sox", "-r", RATE, "-n", "-b", 32, "-e", "floating-point", fine, "synth", 60, "brownnoise", "vol", "-20dB")
    x = raw(fine, "f32", "<f4") * 32_768

    def spectrum():
        error = raw(coarse, "s16", "<i2") - x
        return np.fft.rfftfreq(4096, 1 / RATE)[5:], density_db(error, 4096, np.hanning(4096))[5:] - 10 * np.log10(0.25)

    figure, axes = plt.subplots(figsize=(9.5, 5.6))
    hz, power, weighted = bound(24.2)
    for order, colour in ((9, "tab:cyan"), (32, "tab:blue")):
        run(sqnr, "design", "shaper", "-f", "--rate", RATE, "--order", order, "--max-total-noise", 24.2, "-o", file)
        design = json.loads(file.read_text())
        assert abs(design["bound_db"] - weighted) < 0.02, (design["bound_db"], weighted)
        run(sqnr, "quantize", "-f", "-b", 16, "-d", "tpdf", "-s", file, fine, "-o", coarse)
        label = f"sqnr, order {order}, measured: 15-phon noise {design['weighted_gain_db']:.1f} dB"
        axes.semilogx(*spectrum(), color=colour, label=label)
    run("sox", fine, "-b", 16, coarse, "dither", "-s")
    axes.semilogx(*spectrum(), color="tab:orange", label="SoX dither -s, measured: 15-phon noise -15.1 dB")
    axes.semilogx(hz, 10 * np.log10(power), "k--", linewidth=1, label=f"the bound at this total: {weighted:.1f} dB")
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set(xlim=(50, RATE / 2), ylim=(-45, 45), xlabel="Frequency (Hz)", ylabel="Noise over white requantization (dB)")
    axes.set_title("Shaped noise at 44.1 kHz, total 24.2 dB over white")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    figure.savefig(out / "shaped-spectra.png", dpi=100, bbox_inches="tight")


def bits_of_dsf(path):
    """Levels of the one channel of a DSF file with the shortest header."""
    data = path.read_bytes()
    n = int.from_bytes(data[64:72], "little")
    return 2.0 * np.unpackbits(np.frombuffer(data[92:], np.uint8), bitorder="little")[:n] - 1


def design_modulator(sqnr, folder, order, osr):
    file = folder / "modulator.json"
    run(sqnr, "design", "modulator", "-f", "--order", order, "--osr", osr, "--gain", 1.6, "-o", file)
    return file, json.loads(file.read_text())


def gain_db(design, f):
    z = np.exp(2j * np.pi * f)
    zeros, poles = (np.array(design[k]) @ [1, 1j] for k in ("zeros", "poles"))
    ratio = np.prod(np.abs(z[:, None] - zeros), axis=1) / np.prod(np.abs(z[:, None] - poles), axis=1)
    return 20 * np.log10(ratio)


def tone(folder):
    """Two seconds, 3 dB below full scale, which modulators meet at half their levels; 64-bit floats, which add no noise."""
    x = 10 ** (-3 / 20) * np.sin(2 * np.pi * 1000 / RATE * np.arange(2 * RATE))
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, RATE, 8 * RATE, 8, 64) + b"data" + struct.pack("<I", x.nbytes)
    (folder / "tone.wav").write_bytes(b"RIFF" + struct.pack("<I", len(head) + x.nbytes) + head + x.astype("<f8").tobytes())
    return folder / "tone.wav"


def modulators(sqnr, folder, out):
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.4))
    n, theory = 1 << 17, list(csv.DictReader(THEORY.open()))
    f, song = np.fft.rfftfreq(n)[8:], tone(folder)
    print("| order | " + " | ".join(f"{osr} times" for osr in RATIOS) + " |\n" + "|---" * (len(RATIOS) + 1) + "|")
    for order, colour in zip(ORDERS, ("tab:blue", "tab:orange", "tab:green", "tab:red")):
        bits = []
        for osr in RATIOS:
            file, design = design_modulator(sqnr, folder, order, osr)
            bits.append((design["peak_snr_db"] - 1.76) / 6.02)
            if osr == 64:
                run(sqnr, "quantize", "-f", "-m", file, song, "-o", folder / "tone.dsf")
                # Two levels a distance of 2 apart: white error of power 1/3.
                measured = density_db(bits_of_dsf(folder / "tone.dsf"), n, np.kaiser(n, 24)) - 10 * np.log10(1 / 3)
                left.semilogx(f, measured[8:], color=colour, linewidth=0.6, label=f"order {order}")
                left.semilogx(f, gain_db(design, f), "k--", linewidth=0.7)
        ideal = [float(row["sqnr_db_1bit_opt_zeros"]) for row in theory if row["order"] == str(order) and int(row["osr"]) in RATIOS]
        right.semilogx(RATIOS, bits, "o-", base=2, color=colour, label=f"order {order}")
        right.semilogx(RATIOS, (np.array(ideal) - 1.76) / 6.02, "--", base=2, color=colour, linewidth=0.8)
        print(f"| {order} | " + " | ".join(f"{b:.1f} ({(i - 1.76) / 6.02:.1f})" for b, i in zip(bits, ideal)) + " |")
    left.axvline(1 / 128, color="grey", linestyle=":", linewidth=1)
    left.set(xlim=(f[0], 0.5), ylim=(-200, 60), xlabel="Frequency (of the sample rate)", ylabel="Density over white quantization error (dB)")
    left.set_title("Measured at 64 times, a tone of 1 kHz;\ndashed: the noise transfer function, dotted: edge of the band")
    right.set(ylim=(0, 45), xlabel="Oversampling ratio", ylabel="ENOB (bits)")
    right.set_title("One bit, best of tones from -60 to -2 dBFS;\ndashed: the order's ideal, its zeros spread, its gain not limited")
    right.set_xticks(RATIOS, labels=list(map(str, RATIOS)))
    left.legend(loc="lower right")
    right.legend(loc="upper left")
    for axes in (left, right):
        axes.title.set_fontsize(10)
        axes.grid(alpha=0.3)
    figure.savefig(out / "modulators.png", dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        shaped(sys.argv[1], Path(name), Path(sys.argv[2]))
        modulators(sys.argv[1], Path(name), Path(sys.argv[2]))
