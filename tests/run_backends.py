"""Run the test suite once per Keras backend, each in processes of its own: one for each core, at most four.

    python tests/run_backends.py [pytest arguments]

Fails if a backend is not installed, if one runs no test, or if a test fails. The last line has the
totals.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

BACKENDS = ("torch", "tensorflow", "jax")
# What they test does not depend on the backend: the first one's run, the quickest, is enough. Where that holds for
# some tests of a file, they are marked `once`.
HOST_TESTS = (
    "tests/codecs",
    *(f"tests/datasets/test_{name}.py" for name in ("image_folder", "pictures", "recoloring")),
    *(f"tests/datasets/test_{name}.py" for name in ("array_crops", "depth_scenes")),
    "tests/depth",
    *(
        f"tests/datasets/test_{name}.py"
        for name in ("moving_photographs", "sample_photographs", "video_frames")
    ),
    *(f"tests/datasets/test_{name}.py" for name in ("generated_materials", "material_crops")),
    "tests/evaluation/report",
    *(f"tests/evaluation/test_{name}.py" for name in ("bjontegaard", "bootstrap", "compressai")),
    *(f"tests/evaluation/test_{name}.py" for name in ("curve", "frontier", "plots", "quality")),
    *(f"tests/evaluation/test_{name}.py" for name in ("piecewise_cubic", "readable", "results")),
    *(f"tests/evaluation/test_{name}.py" for name in ("gaussian_windows", "joining", "vmaf")),
    "tests/evaluation/test_normal_maps.py",
    *(
        f"tests/files/test_{name}.py"
        for name in ("fuzzing", "lossless", "payload", "targets", "xmp")
    ),
    "tests/inference/test_strengths.py",
    "tests/pictures",
    *(
        f"tests/test_{name}.py"
        for name in (
            "benchmark_resuming",
            "benchmark_tables",
            "build_tutorials",
            "contributing",
            "floors",
            "package",
        )
    ),
    "tests/test_whole_files.py",
    "tests/training/test_interrupts.py",
)
DONE = ("-m", "not once", *(f"--ignore={place}" for place in HOST_TESTS))
ROOT = Path(__file__).resolve().parent.parent
CORES = os.cpu_count() or 1
WORKERS = min(CORES, 4)
# A file stays with its worker: its fixtures and compiled models are made once. The order is conftest's, the long ones
# first; by itself xdist begins with the files of many tests, and ends with one that is few and long.
SIDE_BY_SIDE = [f"--numprocesses={WORKERS}", "--dist=loadfile", "--no-loadscope-reorder"]
# JAX compiles every operation for every shape: most of what its tests take. They compute little, so it compiles
# quickly rather than well (where a test asks for a compiled program, tests/support/autodiff.py has it optimized),
# and what one process compiled the others read.
JAX_FLAGS = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"


def environment(backend: str, folder: str) -> dict[str, str]:
    """What the tests of a backend run with; its processes share the folder."""
    chosen = {"KERAS_BACKEND": backend, "OMP_NUM_THREADS": str(CORES // WORKERS)}
    if backend == "jax":
        chosen |= {
            "XLA_FLAGS": f"{JAX_FLAGS} {os.environ.get('XLA_FLAGS', '')}",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
            "JAX_COMPILATION_CACHE_DIR": folder,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    return {**os.environ, **chosen}


class Outcome(NamedTuple):
    passed: int
    failed: int
    skipped: int
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(backend: str, arguments: list[str]) -> Outcome:
    if importlib.util.find_spec(backend) is None:
        return Outcome(0, 1, 0, "not installed")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *SIDE_BY_SIDE]
        code = subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment(backend, folder), check=False
        ).returncode
        if not report.exists():
            return Outcome(0, 1, 0, f"pytest ended with {code} before its report")
        suites = ElementTree.parse(report).getroot().findall("testsuite")
    total, failures, errors, skipped = (
        sum(int(suite.get(count, 0)) for suite in suites)
        for count in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    passed = total - failed - skipped
    if code != 0 and failed == 0:
        return Outcome(passed, 1, skipped, f"pytest ended with {code}")
    if passed + failed == 0:
        return Outcome(0, 1, skipped, "no test ran")
    return Outcome(passed, failed, skipped)


def main(arguments: list[str]) -> int:
    moved = [place for place in HOST_TESTS if not (ROOT / place).exists()]
    if moved:  # or they would run on every backend
        sys.exit(f"HOST_TESTS names what is not there: {moved}")
    outcomes = {}
    for backend in BACKENDS:
        print(f"\n=== {backend} ===", flush=True)
        start = time.monotonic()
        done = [] if backend == BACKENDS[0] else DONE
        outcomes[backend] = run(backend, [*done, *arguments])
        print(f"=== {backend}: {time.monotonic() - start:.0f} s ===", flush=True)
    print()
    for backend, outcome in outcomes.items():
        print(f"{backend:<12}{outcome}{outcome.problem and f' ({outcome.problem})'}")
    total = Outcome(*(sum(outcome[i] for outcome in outcomes.values()) for i in range(3)))
    print(total, flush=True)
    return int(total.failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
