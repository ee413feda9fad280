"""Noise-to-mask ratio of shapers at one bit depth: python3 benches/shaping_nmr.py SQNR BITS FILE... ; a table.

Python and sqnr; SoX where it is installed. Every quantizer has triangular dither. `dither -s` is SoX's `shibata` where it has a table for the
rate. Mean of the ratio in dB over files, and the worst file.
"""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SHAPES = ["none", "lipshitz", "improved-e-weighted", "auto", "adaptive"]


def sqnr(program, *words):
    run = subprocess.run([program, *map(str, words), "--json"], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def sox(reference, bits, to, *options):
    words = ["sox", "-D", "-V1", reference, "-b", "24", to, "dither", *options, "-p", str(bits)]
    return subprocess.run(words, capture_output=True).returncode == 0 and to.exists()


def main():
    program, bits, *files = sys.argv[1:]
    names = SHAPES + (["SoX dither", "SoX dither -s"] if shutil.which("sox") else [])
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for file in files:
            reference, test = folder / "reference.wav", folder / "test.wav"
            sqnr(program, "quantize", "-f", "--dither", "none", "-b", 24, "--container", 24, file, "-o", reference)
            row = {}
            for name in names:
                test.unlink(missing_ok=True)
                if not name.startswith("SoX"):
                    sqnr(program, "quantize", "-b", bits, "-d", "tpdf", "-s", name, "--container", 24, reference, "-o", test)
                elif not sox(reference, bits, test, *name.split()[2:]):
                    continue
                row[name] = sqnr(program, "compare", "--no-align", reference, test)["nmr_db"]
            rows[Path(file).stem] = row
    print(f"| {bits} bits | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for item, row in rows.items():
        print(f"| {item} | " + " | ".join(f"{row[n]:.1f}" if row.get(n) is not None else "-" for n in names) + " |")
    means = {n: [r[n] for r in rows.values() if r.get(n) is not None] for n in names}
    print("| mean | " + " | ".join(f"{sum(v) / len(v):.1f}" if v else "-" for v in means.values()) + " |")


if __name__ == "__main__":
    main()
