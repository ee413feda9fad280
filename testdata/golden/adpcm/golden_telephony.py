"""What libspandsp makes of the golden signal as G.726, and ffmpeg as G.722: telephony_sha256.csv.

Python, gcc, libspandsp (0.0.6), ffmpeg (5.1). Rows: item, SHA-256, the first eight bytes. Codes are one a byte.
"""
import array
import hashlib
import subprocess
import tempfile
from pathlib import Path

SPANDSP = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <spandsp.h>
static int16_t x[8192], y[8192];
static uint8_t codes[8192];
int main(int argc, char **argv) {
    int rate = 8000 * atoi(argv[1]);
    int n = fread(x, 2, 8192, stdin);
    n = g726_encode(g726_init(NULL, rate, G726_ENCODING_LINEAR, G726_PACKING_NONE), codes, x, n);
    fwrite(codes, 1, n, stdout);
    n = g726_decode(g726_init(NULL, rate, G726_ENCODING_LINEAR, G726_PACKING_NONE), y, codes, n);
    fwrite(y, 2, n, stdout);
    return 0;
}
"""


def triangle(i, period, a):
    phase = i % period
    return a - 4 * a * phase // period if 2 * phase < period else -3 * a + 4 * a * phase // period


def signal(n=8192):
    """The signal of golden_adpcm.py."""
    state, x = 12345, []
    for i in range(n):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        v = triangle(i, 97, 9000) + triangle(i, 31 + i // 512, 6000) + ((state >> 15) - 32768) // 16
        if 3000 <= i < 3200:
            v = 0
        if 5000 <= i < 5200:
            v = 32767 if i // 50 % 2 else -32768
        x.append(max(-32768, min(32767, v)))
    return array.array("h", x)


def g726(folder, x):
    # Half the signal: beyond 14 bits libspandsp's decoder wraps where the recommendation clips.
    x = array.array("h", [v // 2 for v in x])
    (folder / "g726.c").write_text(SPANDSP)
    subprocess.run(["gcc", folder / "g726.c", "-o", folder / "g726", "-lspandsp"], check=True)
    for bits in range(2, 6):
        out = subprocess.run([folder / "g726", str(bits)], input=x.tobytes(), capture_output=True, check=True).stdout
        yield f"g726-{8 * bits} codes", out[: len(x)]
        yield f"g726-{8 * bits} samples", out[len(x) :]


def g722(folder, x):
    def ffmpeg(*words):
        subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, words)], check=True)

    (folder / "x.s16").write_bytes(x.tobytes())
    coded, back = folder / "x.g722", folder / "y.s16"
    ffmpeg("-f", "s16le", "-ar", 16000, "-ac", 1, "-i", folder / "x.s16", "-c:a", "g722", "-f", "g722", coded)
    yield "g722 codes", coded.read_bytes()[: len(x) // 2]
    for bits in (8, 7, 6):
        ffmpeg("-bits_per_codeword", bits, "-f", "g722", "-i", coded, "-f", "s16le", back)
        yield f"g722-{bits} samples", back.read_bytes()[: 2 * len(x)]


with tempfile.TemporaryDirectory() as name:
    for item, data in [*g726(Path(name), signal()), *g722(Path(name), signal())]:
        print(f"{item},{hashlib.sha256(data).hexdigest()},{data[:8].hex()}")
