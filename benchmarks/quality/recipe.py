"""Short trainings with one setting changed, measured with real JPEG files: what the examples' defaults rest on.

KERAS_BACKEND=tensorflow python -m benchmarks.quality.recipe --data train --test test --vary reduction=1 reduction=2

Each `--vary` argument is a comma-separated list of settings. All runs share the seed and the number of steps.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import keras

import keras_sandwich as ks

TASKS: dict[str, dict[str, Any]] = {
    "grayscale": {
        "model": {"bottleneck_channels": 1},
        "codec": "4:0:0",
        "rates": (0.5, 0.75, 1.0),
        "strengths": (6, 8, 10, 13, 16, 20, 26, 32, 40, 50, 64, 80, 100),
        "gamma": 700.0,
    },
    "lowres": {
        "model": {"bottleneck_channels": 3, "downsample_factor": 2, "convert_to_yuv": True},
        "codec": "4:4:4",
        "rates": (0.3, 0.4, 0.5),
        "strengths": (2, 3, 4, 6, 8, 10, 13, 16, 20, 26, 32, 40, 50),
        "gamma": 300.0,
    },
}
DEFAULTS: dict[str, Any] = {
    "patch": 2,  # the U-Nets' patch_size
    "filters": 32,  # of the first encoder block; the second has twice as many
    "rounding": "uniform_noise",
    "arithmetic": "float",  # of the proxy
    "gradient": "quantized",  # of the rate
    "huffman": "entropy",  # the tables that it counts with
    "lr": 1.5e-3,
    "batch": 8,
    "crop": 128,
    "reduction": 2,
    "gamma": 0.0,  # 0: the task's
}


def settings(text: str) -> dict[str, Any]:
    """ "patch=1,lr=1e-3" as a dict, each value of its default's type."""
    changed = {}
    for pair in filter(None, text.split(",")):
        key, value = pair.split("=")
        changed[key] = type(DEFAULTS[key])(value)
    return changed


def train(task: str, steps: int, data: Path, test: list[Any], changed: dict[str, Any]) -> str:
    """One training; a line with its settings, its time and its PSNR at the task's rates."""
    keras.utils.set_random_seed(0)
    use = {**DEFAULTS, **changed}
    spec = TASKS[task]
    first = use["filters"]
    model = ks.models.create_basic_model(
        **spec["model"],
        gamma=use["gamma"] or spec["gamma"],
        rate_model=ks.layers.JpegRate(
            use["huffman"], use["gradient"], interleaved="convert_to_yuv" in spec["model"]
        ),
        encoder_filters=(first, 2 * first),
        decoder_filters=(4 * first, 2 * first, first),
        unet_patch_size=use["patch"],
        rounding=use["rounding"],
        arithmetic=use["arithmetic"],
        seed=0,
    )
    model.build((None, None, None, 3))
    model.compile(keras.optimizers.Adam(), loss="mse")
    crops = ks.datasets.image_folder(
        data,
        crop_size=use["crop"],
        reduction=use["reduction"],
        batch_size=use["batch"],
        steps_per_epoch=max(steps // 50, 1),
        seed=1,
    )
    began = time.process_time()
    model.fit(crops, epochs=50, callbacks=[ks.callbacks.TrainingBudget(use["lr"])], verbose=0)
    seconds = time.process_time() - began
    codec = ks.codecs.JPEG(
        qstep=1, chroma_subsampling="4:4:4" if spec["codec"] == "4:0:0" else spec["codec"]
    )
    curve = ks.evaluation.rd_curve(model, test, codec, spec["strengths"], verbose=0)
    quality = "  ".join(f"{curve.psnr_at(rate):6.2f}" for rate in spec["rates"])
    name = ",".join(f"{key}={value}" for key, value in changed.items()) or "defaults"
    return f"{name:40} {steps:6d} steps {seconds:7.0f} CPU s   {quality}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--task", choices=TASKS, default="grayscale")
    arguments.add_argument("--steps", type=int, default=400)
    arguments.add_argument("--data", type=Path, required=True, help="folder to train on")
    arguments.add_argument("--test", type=Path, required=True, help="folder of PNG to measure with")
    arguments.add_argument("--vary", nargs="+", default=[""], metavar="KEY=VALUE,…")
    options = arguments.parse_args()
    files = sorted(options.test.glob("*.png"))
    test = [keras.utils.img_to_array(keras.utils.load_img(file)) for file in files]
    rates = TASKS[options.task]["rates"]
    print(
        f"{options.task}: PSNR in dB at {', '.join(f'{rate:g}' for rate in rates)} bits per pixel"
    )
    for text in options.vary:
        print(train(options.task, options.steps, options.data, test, settings(text)), flush=True)


if __name__ == "__main__":
    main()
