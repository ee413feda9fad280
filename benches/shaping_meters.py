"""Shapers at one bit depth by perceptual meters that share no code with sqnr, nor with each other; tables.

    apt install sox; pip install numpy scipy soundfile zimtohrli visqol-python
    python benches/shaping_meters.py SQNR BITS FILE...

Excerpts of 8 s, brought to 48 kHz and two channels by SoX, are quantized with triangular dither. Zimtohrli's distance (lower is
better), ViSQOL's predicted opinion of the sum of both channels (1 to 5, higher is better). With a module `metrics` on PYTHONPATH that
has a class `Reference` of an array (samples, channels), the noise-to-mask ratios of its `measure` as well, in dB (lower is better).
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import soundfile
import zimtohrli
from visqol import VisqolApi

try:
    import metrics
except ImportError:
    metrics = None

RATE = 48_000
SHAPES = ["none", "lipshitz", "auto", "adaptive", "SoX dither -s"]


def run(*words):
    subprocess.run(list(map(str, words)), check=True, capture_output=True)


def quantize(program, bits, shape, reference, to):
    if shape.startswith("SoX"):
        run("sox", "-D", "-V1", reference, "-b", "24", to, "dither", "-s", "-p", bits)
    else:
        run(program, "quantize", "-f", "-b", bits, "-d", "tpdf", "-s", shape, "--container", 24, reference, "-o", to)


class Meters:
    """The figures of test signals against one reference."""

    def __init__(self, x, visqol):
        self.x, self.visqol, self.zimtohrli = x, visqol, zimtohrli.Pyohrli()
        self.noise = metrics.Reference(x) if metrics else None

    def measure(self, y):
        x = self.x
        distances = [self.zimtohrli.distance(x[:, c].astype("f4"), y[:, c].astype("f4")) for c in (0, 1)]
        figures = {
            "zimtohrli": 1000 * float(numpy.sqrt(numpy.mean(numpy.square(distances)))),
            "visqol": self.visqol.measure_from_arrays(x.mean(1), y.mean(1), RATE).moslqo,
        }
        if self.noise:
            ratios = self.noise.measure(y, groups=("simple",))
            figures |= {"nmr": ratios["nmr"], "nmr of magnitudes": ratios["nmr_mag"]}
        return figures


def measure(program, bits, file, folder, visqol):
    reference, test = folder / "reference.wav", folder / "test.wav"
    run("sox", "-D", file, "-b", 24, reference, "rate", "-v", RATE, "trim", 1, 8, "channels", 2)
    meters = Meters(soundfile.read(reference, always_2d=True)[0], visqol)
    row = {}
    for shape in SHAPES:
        quantize(program, bits, shape, reference, test)
        row[shape] = meters.measure(soundfile.read(test, always_2d=True)[0])
    return row


def table(figure, unit, rows):
    print(f"\n| {figure}{unit} | " + " | ".join(SHAPES) + " |\n" + "|---" * (len(SHAPES) + 1) + "|")
    for item, row in rows.items():
        print(f"| {item} | " + " | ".join(f"{row[shape][figure]:.2f}" for shape in SHAPES) + " |")
    means = [numpy.mean([row[shape][figure] for row in rows.values()]) for shape in SHAPES]
    print("| mean | " + " | ".join(f"{mean:.2f}" for mean in means) + " |", flush=True)


def main():
    program, bits, *files = sys.argv[1:]
    visqol = VisqolApi()
    visqol.create(mode="audio")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            rows[Path(file).stem] = measure(program, bits, file, Path(folder), visqol)
            print(Path(file).stem, "done", file=sys.stderr, flush=True)
    units = {"zimtohrli": " x 1000", "visqol": "", "nmr": ", dB", "nmr of magnitudes": ", dB"}
    for figure in next(iter(next(iter(rows.values())).values())):
        table(figure, units[figure], rows)


if __name__ == "__main__":
    main()
