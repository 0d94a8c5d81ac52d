"""A training step of this source against that of another commit: two processes in turns, processor time of one thread.

git worktree add ../before COMMIT
KERAS_BACKEND=torch python -m benchmarks.speed.step_against ../before --rounds 7

Both processes are pinned to one core, so that what else the machine does slows them alike. Ratios above 1: this source
is slower.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
# Small networks, so that what is not convolution shows. Names that both sources know.
MODEL = {
    "bottleneck_channels": 1,
    "encoder_filters": (8, 16),
    "decoder_filters": (32, 16, 8),
    "unet_patch_size": 2,
}
BATCH, SIZE = 8, 64
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


def serve(steps: int) -> None:
    """For each line of input, that many steps: milliseconds of processor time a step."""
    if os.environ.get("KERAS_BACKEND") == "torch":
        import torch  # noqa: F401 - before TensorFlow, which Keras may load
    import keras
    import numpy as np

    import keras_sandwich as ks

    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(0, 255, (BATCH * steps, SIZE, SIZE, 3))
    images = images.astype("float32")
    model = ks.models.create_basic_model(**MODEL)
    # Eager PyTorch: compiling takes minutes.
    model.compile(keras.optimizers.Adam(1e-4), jit_compile=keras.backend.backend() == "jax")

    def by_batch() -> None:
        for start in range(0, len(images), BATCH):
            model.train_on_batch(images[start : start + BATCH])

    def by_fit() -> None:
        model.fit(images, batch_size=BATCH, shuffle=False, verbose=0)

    ways = {"train_on_batch": by_batch, "fit": by_fit}
    for run in ways.values():
        run()  # traced and compiled
    print(Path(ks.__file__).parent.parent, flush=True)
    for line in sys.stdin:
        before = time.process_time()
        ways[line.strip()]()
        print(1e3 * (time.process_time() - before) / steps, flush=True)


def start(source: Path, steps: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, __file__, str(source), "--serve", "--steps", str(steps)],
        cwd=source,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(source)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    used = answer(process)
    if Path(used).resolve() != source.resolve():
        raise RuntimeError(f"Expected the package of {source}. Received that of {used}.")
    return process


def answer(process: Any) -> str:
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("The process ended; its error stands above.")
    return str(line.strip())


def milliseconds(process: Any, way: str) -> float:
    print(way, file=process.stdin, flush=True)
    return float(answer(process))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="a folder with the other source")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=10, help="in each turn of a round")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.steps)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with contextlib.ExitStack() as stack:
        sides = [
            stack.enter_context(start(source, options.steps)) for source in (options.before, HERE)
        ]
        for way in ("train_on_batch", "fit"):
            pairs = []
            for turn in range(options.rounds):  # A B, B A, …: neither always follows the other
                order = sides if turn % 2 == 0 else sides[::-1]
                taken = {id(side): milliseconds(side, way) for side in order}
                pairs.append([taken[id(side)] for side in sides])
            before, now = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratios = [after / earlier for earlier, after in pairs]
            print(
                f"{way}: before {before:.1f} ms, now {now:.1f} ms, ratio {statistics.median(ratios):.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f})"
            )
        for side in sides:
            side.stdin.close()


if __name__ == "__main__":
    main()
