"""Design beside its rivals, in one interleaved run; medians of rounds, single thread, in seconds.

    pip install numpy kmeans1d ckmeans scikit-learn faiss-cpu
    cargo build --release --bench design        # prints the program's path with --message-format=json
    python benches/design_rivals.py target/release/deps/design-HASH [ROUNDS]

Each round runs every tool once on the same data, one after the other, so that a busy machine slows all alike. Times
are of the processor, not of the clock; one thread each: run it with OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
RAYON_NUM_THREADS=1. sqnr's are of its whole process, start and reading of the data included.
"""
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import ckmeans
import faiss
import kmeans1d
import numpy
from sklearn.cluster import KMeans

PROGRAM = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5


def timed(work):
    start = time.process_time()
    mse = work()
    return time.process_time() - start, mse


def sqnr(*arguments):
    def run():
        def used():
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime

        before = used()
        text = subprocess.run([PROGRAM, "rival", *map(str, arguments)], capture_output=True, text=True, check=True)
        return used() - before, float(text.stdout.split()[1])

    return run


def partition_mse(x, centroids):
    centroids = numpy.sort(numpy.asarray(centroids, dtype=float).ravel())
    nearest = numpy.searchsorted(0.5 * (centroids[1:] + centroids[:-1]), x)
    return float(numpy.mean((x - centroids[nearest]) ** 2))


def one_dimension(x, levels):
    column = x.reshape(-1, 1)
    single = numpy.ascontiguousarray(column, dtype=numpy.float32)

    def by_faiss():
        means = faiss.Kmeans(1, levels, niter=25, seed=1, max_points_per_centroid=len(x))
        means.train(single)
        return partition_mse(x, means.centroids)

    def by_sklearn():
        means = KMeans(levels, n_init=1, max_iter=25, random_state=1, algorithm="lloyd").fit(column)
        return partition_mse(x, means.cluster_centers_)

    def by_ckmeans():
        breaks = ckmeans.ckmeans(x, levels)
        return partition_mse(x, [cluster.mean() for cluster in breaks])

    return {
        "kmeans1d": lambda: timed(lambda: partition_mse(x, kmeans1d.cluster(x, levels)[1])),
        "ckmeans": lambda: timed(by_ckmeans),
        "scikit-learn (local)": lambda: timed(by_sklearn),
        "faiss (local)": lambda: timed(by_faiss),
    }


def vectors(data, codes, iterations):
    single = data.astype(numpy.float32)

    def by_faiss():
        means = faiss.Kmeans(data.shape[1], codes, niter=iterations, seed=1, max_points_per_centroid=len(data))
        means.train(single)
        distances, _ = means.index.search(single, 1)
        return float(distances.mean()) / data.shape[1]

    def by_sklearn():
        means = KMeans(codes, n_init=1, max_iter=iterations, tol=0, random_state=1, algorithm="lloyd").fit(data)
        return means.inertia_ / data.size

    return {"faiss": lambda: timed(by_faiss), "scikit-learn": lambda: timed(by_sklearn)}


def compare(title, ours, rivals, rounds):
    results = {"sqnr": [ours()]}
    for name, run in list(rivals.items()):
        try:
            results[name] = [run()]
        except Exception as error:  # a rival that cannot do it is told, not hidden
            print(f"{title}: {name} fails: {error}")
            del rivals[name]
    for _ in range(rounds - 1):
        results["sqnr"].append(ours())
        for name, run in rivals.items():
            results[name].append(run())
    base = statistics.median(seconds for seconds, _ in results["sqnr"])
    print(f"\n{title}, {rounds} rounds\n\n| tool | s | times sqnr | MSE |\n|---|---|---|---|")
    for name, runs in results.items():
        seconds = statistics.median(seconds for seconds, _ in runs)
        print(f"| {name} | {seconds:.4f} | {seconds / base:.1f} | {runs[0][1]:.9e} |", flush=True)


def main():
    rng = numpy.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for n, levels, rounds in [(100_000, 64, ROUNDS), (1_000_000, 256, 1)]:
            x = numpy.sort(rng.standard_normal(n))
            x.tofile(f"{folder}/x")
            rivals = one_dimension(x, levels)
            compare(f"{n} sorted Gaussian samples, {levels} levels", sqnr("partition", f"{folder}/x", levels), rivals, rounds)
        data = rng.standard_normal((100_000, 8))
        data.tofile(f"{folder}/v")
        compare(
            "k-means of 100000 vectors of 8, 256 codes, 20 steps",
            sqnr("vectors", f"{folder}/v", 8, 256, 20),
            vectors(data, 256, 20),
            ROUNDS,
        )


main()
