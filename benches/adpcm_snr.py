"""SNR of IMA ADPCM encoders at the same bits: python3 benches/adpcm_snr.py SQNR FILE... ; a table, dB.

Python, sqnr, SoX, ffmpeg. Each file is taken as 16 bits. SoX encodes as the recommendation says and decodes what it and sqnr's `ima`
wrote (it adds); ffmpeg decodes what it and sqnr's `ima-multiply` wrote (it multiplies).
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def run(*words):
    run = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return run.stdout


def main():
    program, *files = sys.argv[1:]
    print("| file | SoX | sqnr, as SoX decodes | gain | ffmpeg | sqnr, as ffmpeg decodes | gain |")
    print("|---|---|---|---|---|---|---|")
    gains = []
    with tempfile.TemporaryDirectory() as folder:
        x, coded, y = (Path(folder) / name for name in ("x.wav", "coded.wav", "y.wav"))

        def snr(decode):
            decode()
            return json.loads(run(program, "compare", "--no-align", x, y, "--json"))["snr_db"]

        def sox_decodes():
            run("sox", "-V1", coded, "-e", "signed", "-b", 16, y)

        def ffmpeg_decodes():
            run("ffmpeg", "-v", "error", "-y", "-i", coded, "-c:a", "pcm_s16le", y)

        for file in files:
            run("sox", "-D", "-V1", file, "-b", 16, x)
            run("sox", "-V1", x, "-e", "ima-adpcm", coded)
            sox = snr(sox_decodes)
            run(program, "quantize", "-f", "--format", "ima", x, "-o", coded)
            ours = snr(sox_decodes)
            run("ffmpeg", "-v", "error", "-y", "-i", x, "-c:a", "adpcm_ima_wav", coded)
            ffmpeg = snr(ffmpeg_decodes)
            run(program, "quantize", "-f", "--format", "ima-multiply", x, "-o", coded)
            multiplied = snr(ffmpeg_decodes)
            gains.append((ours - sox, multiplied - ffmpeg))
            print(f"| {Path(file).stem} | {sox:.2f} | {ours:.2f} | {ours - sox:.2f} | {ffmpeg:.2f} | {multiplied:.2f} | {multiplied - ffmpeg:.2f} |")
    for name, values in zip(("SoX", "ffmpeg"), zip(*gains)):
        print(f"\ngain over {name}: mean {sum(values) / len(values):.2f} dB, least {min(values):.2f} dB")


if __name__ == "__main__":
    main()
