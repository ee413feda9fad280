"""Prints values.csv: what reference_decoder.py makes of every .sqn file here, block by block."""
import pathlib
import numpy as np
import reference_decoder

BLOCK = 1024
print("file,channel,block,samples,energy,product")
for path in sorted(pathlib.Path(__file__).parent.glob("*.sqn")):
    _, channels = reference_decoder.decode(path.read_bytes())
    for c, x in enumerate(channels):
        for b in range(0, len(x), BLOCK):
            y = x[b : b + BLOCK]
            chirp = np.sin(0.7 + 0.001 * np.arange(len(y)) ** 2)
            print(f"{path.name},{c},{b // BLOCK},{len(y)},{(y * y).sum():.10e},{(y * chirp).sum():.10e}")
