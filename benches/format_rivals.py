"""Number formats, IMA ADPCM and noise shaping beside their rivals, in one interleaved run.

    pip install numpy ml_dtypes onnx onnxruntime faiss-cpu; apt install sox ffmpeg
    cargo build --release --bench formats        # prints the program's path with --message-format=json
    python benches/format_rivals.py target/release/deps/formats-HASH target/release/sqnr [ROUNDS]

Kernels: each round runs every tool once on the same ten million f32, one after the other and one thread each, into
memory that was written before; the copy is sqnr's `copy_from_slice` of the same values in the same round. Times are of
the clock, the least of all rounds: what else the machine does can only add to them. Whole programs: processor time,
user and system, the least of the rounds. Run it with OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1.
"""
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ml_dtypes
import numpy

try:
    import faiss
except ImportError:
    faiss = None
import onnxruntime
from onnx import TensorProto, helper

BENCH, SQNR = sys.argv[1], sys.argv[2]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 15
N = 10_000_000


class Bench:
    """sqnr's kernels, in a program that runs one when it is named."""

    def __init__(self, file):
        pipe = subprocess.PIPE
        self.program = subprocess.Popen([BENCH, "rival", file], stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def kernel(self, name):
        def run():
            self.program.stdin.write(name + "\n")
            n, seconds = self.program.stdout.readline().split()
            return float(seconds) / int(n)

        return run


def each(work, n=N):
    def run():
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) / n

    return run


def cast(x, dtype):
    to = numpy.empty(len(x), dtype)
    return each(lambda: numpy.copyto(to, x, casting="unsafe"))


def quantize_linear(x, low, high):
    """ONNX Runtime's QuantizeLinear to uint8, input and output bound beforehand."""
    scale = (high - low) / 255
    constants = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor("zero", TensorProto.UINT8, [], [round(-low / scale)]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["y"])],
        "quantize",
        [value("x", TensorProto.FLOAT, [len(x)])],
        [value("y", TensorProto.UINT8, [len(x)])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    codes = onnxruntime.OrtValue.ortvalue_from_shape_and_type([len(x)], numpy.uint8)
    binding.bind_ortvalue_output("y", codes)
    return each(lambda: session.run_with_iobinding(binding))


def scalar_quantizer(x, kind):
    """faiss's flat scalar quantizer, vectors of 64."""
    vectors = x[: len(x) // 64 * 64].reshape(-1, 64)
    quantizer = faiss.ScalarQuantizer(64, kind)
    quantizer.train(vectors[:4096])
    codes = numpy.empty((len(vectors), quantizer.code_size), numpy.uint8)
    # A pointer alone would not keep its array.
    return each(lambda: quantizer.compute_codes_c(faiss.swig_ptr(vectors), faiss.swig_ptr(codes), len(vectors)), vectors.size)


def kernels(bench, x):
    rows = {}
    ours = bench.kernel
    rows["copy of the input"] = {"sqnr": ours("copy"), "numpy": cast(x, numpy.float32)}
    rows["binary16"] = {"sqnr": ours("f16"), "numpy": cast(x, numpy.float16)}
    rows["bfloat16"] = {"sqnr": ours("bf16"), "ml_dtypes": cast(x, ml_dtypes.bfloat16)}
    rows["FP8 E4M3"] = {"sqnr": ours("fp8-e4m3"), "ml_dtypes": cast(x, ml_dtypes.float8_e4m3fn)}
    rows["FP8 E5M2"] = {"sqnr": ours("fp8-e5m2"), "ml_dtypes": cast(x, ml_dtypes.float8_e5m2)}
    rows["FP6 E3M2"] = {"sqnr": ours("fp6-e3m2"), "ml_dtypes": cast(x, ml_dtypes.float6_e3m2fn)}
    rows["FP6 E2M3"] = {"sqnr": ours("fp6-e2m3"), "ml_dtypes": cast(x, ml_dtypes.float6_e2m3fn)}
    rows["FP4 E2M1"] = {"sqnr": ours("fp4"), "ml_dtypes": cast(x, ml_dtypes.float4_e2m1fn)}
    rows["affine, 8 bits"] = {"sqnr": ours("int8"), "onnxruntime": quantize_linear(x, -1.0, 1.0)}
    if faiss:
        rows["binary16"]["faiss"] = scalar_quantizer(x, faiss.ScalarQuantizer.QT_fp16)
        rows["affine, 8 bits"]["faiss"] = scalar_quantizer(x, faiss.ScalarQuantizer.QT_8bit_uniform)
    rows["IMA ADPCM, encoding"] = {"sqnr": ours("ima-encode")}
    rows["IMA ADPCM, decoding"] = {"sqnr": ours("ima-decode")}
    rows["shaping, order 9, TPDF"] = {"sqnr": ours("shape-9")}
    rows["shaping, order 20, TPDF"] = {"sqnr": ours("shape-20")}
    return rows


def least_of_rounds(rows, rounds):
    least = {row: dict.fromkeys(tools, float("inf")) for row, tools in rows.items()}
    for _ in range(rounds):
        for row, tools in rows.items():
            for tool, run in tools.items():
                least[row][tool] = min(least[row][tool], run())
    return least


def print_kernels(least):
    copy = least["copy of the input"]["sqnr"]
    print(f"\n{N} f32, one thread, least of {ROUNDS} rounds in turns\n")
    print("| | Msample/s | x copy | rival | Msample/s | x copy |\n|---|---|---|---|---|---|")
    for row, tools in least.items():
        ours = f"| {row} | {1e-6 / tools['sqnr']:.0f} | {tools['sqnr'] / copy:.2f} "
        rivals = [(tool, seconds) for tool, seconds in tools.items() if tool != "sqnr"]
        for tool, seconds in rivals or [("", None)]:
            theirs = f"| {tool} | {1e-6 / seconds:.0f} | {seconds / copy:.2f} |" if seconds else "| | | |"
            print(ours + theirs, flush=True)


def program(*words):
    def run():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(list(map(str, words)), check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return run


def song(folder, name, seconds, bits):
    """Brown noise, one channel, 44.1 kHz."""
    file = folder / name
    synth = ["sox", "-R", "-r", "44100", "-n", "-b", bits, file, "synth", seconds, "brownnoise", "vol", "-12dB"]
    subprocess.run(list(map(str, synth)), check=True, capture_output=True)
    return file


def programs(folder):
    """Rows of (seconds of audio, tools)."""
    fine, long, short = song(folder, "fine.wav", 240, 24), song(folder, "long.wav", 240, 16), song(folder, "short.wav", 10, 16)
    out, shaper = folder / "out.wav", folder / "order20.json"
    program(SQNR, "design", "shaper", "--order", 20, "--rate", 44_100, "-o", shaper)()
    sqnr = [SQNR, "quantize", "--quiet", "-f", "-j", 1]

    def ffmpeg(file, *options):
        words = ["ffmpeg", "-v", "error", "-y", "-threads", 1, "-i", file, "-threads", 1]
        return program(*words, "-c:a", "adpcm_ima_wav", *options, out)

    shaped, dithered, ima, ahead = (
        "24 to 16 bits, TPDF, order 20",
        "24 to 16 bits, TPDF",
        "IMA ADPCM, nearest sample by sample",
        "IMA ADPCM, looking ahead",
    )
    tools = {
        shaped: {
            "sqnr": program(*sqnr, "-b", 16, "-d", "tpdf", "-s", shaper, fine, "-o", out),
            "SoX, shibata": program("sox", fine, "-b", 16, out, "dither", "-s"),
        },
        dithered: {
            "sqnr": program(*sqnr, "-b", 16, "-d", "tpdf", fine, "-o", out),
            "SoX": program("sox", fine, "-b", 16, out, "dither"),
        },
        ima: {
            "sqnr": program(*sqnr, "--format", "ima", "--paths", 1, long, "-o", out),
            "ffmpeg": ffmpeg(long),
            "SoX": program("sox", long, "-e", "ima-adpcm", out),
        },
        ahead: {
            "sqnr, 32 paths": program(*sqnr, "--format", "ima", short, "-o", out),
            "sqnr, 8 paths": program(*sqnr, "--format", "ima", "--paths", 8, short, "-o", out),
            "ffmpeg -trellis 5": ffmpeg(short, "-trellis", 5),
            "ffmpeg -trellis 3": ffmpeg(short, "-trellis", 3),
        },
    }
    return tools, {shaped: 240, dithered: 240, ima: 240, ahead: 10}


def print_programs(least, seconds_of_audio):
    print("\nWhole programs, one channel, processor time, start and reading and writing included\n")
    print("| | tool | s | Msample/s | times the first |\n|---|---|---|---|---|")
    for row, tools in least.items():
        first = next(iter(tools.values()))
        for tool, seconds in tools.items():
            rate = 0.0441 * seconds_of_audio[row] / seconds
            print(f"| {row} | {tool} | {seconds:.3f} | {rate:.1f} | {seconds / first:.2f} |")


def main():
    x = (0.3 * numpy.random.default_rng(1).standard_normal(N)).clip(-1, 1).astype(numpy.float32)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "x")
        x.tofile(file)
        print_kernels(least_of_rounds(kernels(Bench(str(file)), x), ROUNDS))
        if shutil.which("sox") and shutil.which("ffmpeg"):
            tools, seconds = programs(Path(name))
            print_programs(least_of_rounds(tools, min(ROUNDS, 5)), seconds)


if __name__ == "__main__":
    main()
