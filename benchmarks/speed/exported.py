"""Exported networks beside Keras: processor seconds per megapixel of the postprocessor, one thread.

KERAS_BACKEND=torch OMP_NUM_THREADS=1 python -m benchmarks.speed.exported --formats onnx openvino
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import keras_sandwich as ks
from keras_sandwich.exporting.formats import FORMATS

SIDE = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="grayscale")
    parser.add_argument("--formats", nargs="+", choices=tuple(FORMATS), default=["onnx"])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(
        0, {min(os.sched_getaffinity(0))}
    )  # the runtimes take every core that they see
    model = ks.models.CompressIntraModel.from_preset(options.preset)
    side = model.postprocessor
    given = {"images": np.full((1, SIDE, SIDE, side.input_channels), 90.0, "float32")}
    if side.conditioned:
        given["qstep"] = np.full(1, 24.0, "float32")
    runs = {"Keras": lambda: keras.ops.convert_to_numpy(_keras(side, given))}
    with tempfile.TemporaryDirectory() as folder:
        for form in options.formats:
            for precision in FORMATS[form].precisions:
                name = f"{form}, {precision}"
                where = Path(folder, name)
                size = None if FORMATS[form].any_size else (SIDE, SIDE)
                about = ks.exporting.export_networks(
                    model, where, form, precision=precision, networks=["postprocessor"], size=size
                )
                entry = about["networks"]["postprocessor"]
                program = ks.exporting.load_program(where / entry["file"])
                runs[name] = lambda program=program: program(**given)
                lost = entry.get("decibels_lost", 0.0)
                print(f"{name}: {entry['bytes'] / 1e6:.2f} MB, {lost:+.3f} dB lost", flush=True)
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.rounds + 1):
            for name, run in runs.items():
                start = time.process_time()
                run()
                times[name].append(time.process_time() - start)
    for name, seconds in times.items():
        best = min(seconds[1:])  # after the first, which plans and compiles
        print(f"{name}: {best / (SIDE * SIDE / 1e6):.2f} seconds per megapixel")


def _keras(side, given):
    if keras.backend.backend() != "torch":
        return side(given["images"], qstep=given.get("qstep"))
    import torch

    with torch.no_grad():
        return side(given["images"], qstep=given.get("qstep"))


if __name__ == "__main__":
    main()
