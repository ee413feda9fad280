"""Optimal one-dimensional clusterings of 20 inputs with ties and duplicates, by kmeans1d (pip install kmeans1d).

Writes kmeans1d.csv. Inputs come from a 64-bit congruential generator (Knuth's MMIX constants) and rational arithmetic
alone, so that any language has them bit for bit; src/design/optimal_partition.rs does.
"""
import math

import kmeans1d


def uniform(seed):
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 11) / 2**53


def samples(case):
    """Four kinds: few integers, a bell of eighths, a cube with every third sample twice, two clumps of ten distinct."""
    draw = uniform(case)
    n = 60 + 97 * case
    x = []
    for i in range(n):
        u = next(draw)
        if case % 4 == 0:
            x.append(float(math.floor(u * 40.0)))
        elif case % 4 == 1:
            x.append(math.floor((u + next(draw) + next(draw) + next(draw) - 2.0) * 100.0) / 8.0)
        elif case % 4 == 2:
            x.append(x[-1] if i % 3 == 2 else (2.0 * u - 1.0) * (2.0 * u - 1.0) * (2.0 * u - 1.0))
        else:
            x.append(math.floor(u * 10.0) / 1024.0 + (100.0 if next(draw) < 0.3 else 0.0))
    return x


print("case,n,levels,mse")
for case in range(20):
    x = samples(case)
    levels = 2 + (7 * case) % 15
    clusters, centroids = kmeans1d.cluster(x, levels)
    mse = math.fsum((v - centroids[c]) ** 2 for v, c in zip(x, clusters)) / len(x)
    print(f"{case},{len(x)},{levels},{mse:.17g}")
