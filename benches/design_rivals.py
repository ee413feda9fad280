"""kmeans1d on 1e6 sorted Gaussian samples, 256 levels (pip install numpy kmeans1d). Prints seconds."""
import time

import kmeans1d
import numpy

x = numpy.sort(numpy.random.default_rng(1).standard_normal(1_000_000))
start = time.perf_counter()
clusters, centroids = kmeans1d.cluster(x, 256)
print(f"kmeans1d: {time.perf_counter() - start:.1f} s, MSE {numpy.mean((x - numpy.take(centroids, clusters)) ** 2):.9e}")
