"""The long trainings behind the bundled presets, and the baselines with the same budget.

export KERAS_BACKEND=torch OMP_NUM_THREADS=1
python -m benchmarks.quality.long_training grayscale --data train/free train/cid22 --output runs/grayscale.keras
python -m benchmarks.quality.long_training low-resolution --part postprocessor --data … --output runs/lowres/after.keras
python -m benchmarks.quality.long_training depth --distortion mae --crop-size 96 --output runs/depth.keras
python -m benchmarks.quality.long_training high-bit-depth --data … --crop-size 96 --output runs/high_bit_depth.keras
python -m benchmarks.quality.long_training colour --chroma-subsampling 4:2:0 --distortion lpips --lpips alexnet.npz …

With one thread each, one training fits a core; killed and started again it goes on. The budget counts steps. `--start`
takes what fits of the weights of a model or preset that was trained before. Each picture has a quantizer step of its
own, so that one model serves all rates, and what is kept is the exponential average of the weights. `--files` goes on
with JPEG files in the loop. `--networks published` has the paper's. `--distortion` says what is trained for; with
`--part preprocessor` files stay plain ones.
"""

import argparse
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.quality.photographs import deep_pictures, split
from keras_sandwich.models.scenarios import SCENARIOS, scenario_arguments
from keras_sandwich.models.unet import DECODER_FILTERS, ENCODER_FILTERS

PARTS = {
    "sandwich": ks.models.create_basic_model,
    "postprocessor": ks.models.create_postprocessor_baseline,
    "preprocessor": ks.models.create_preprocessor_baseline,
}
DISTORTIONS = ("mse", "mae", "ssim", "ms-ssim", "lpips")
DEPTH_CROPS = 2000  # of made-up scenes
# The others, `material_training.py` trains.
SURFACES = ("normal-maps", "materials")
TRAINED = [name for name in SCENARIOS if name not in SURFACES]
# Of the networks, what is not the scenario's own; the published ones have 7.8 million parameters.
NETWORKS: dict[str, dict[str, Any]] = {
    "scenario": {},
    "published": {
        "encoder_filters": ENCODER_FILTERS,
        "decoder_filters": DECODER_FILTERS,
        "unet_patch_size": 1,
    },
}
EPOCHS = 200  # the learning rate changes from one to the next
MINUTES_EPOCH = 50  # steps of an epoch where the budget is minutes
AVERAGED = 0.999  # of the exponential average of the weights
# Of the gradient's norm, of a cost in decibels: most steps stay below. Without it a few crops undid a training.
CLIPPED = 10.0


def make(
    scenario: str,
    part: str = "sandwich",
    slope: float | None = None,
    qsteps: tuple[float, float] | None = None,
    chroma_subsampling: str = "4:4:4",
    dtype: str = "float32",
    **changed: Any,
) -> ks.models.CompressIntraModel:
    """The model, built; a baseline has the same networks, less one."""
    qsteps = SCENARIOS[scenario].qstep_range if qsteps is None else qsteps
    if slope is not None:
        changed["gamma"] = slope * math.prod(qsteps)
    arguments = scenario_arguments(
        scenario, qsteps, chroma_subsampling=chroma_subsampling, seed=0, dtype=dtype, **changed
    )
    described = SCENARIOS[scenario]
    create = PARTS[part] if described.create is PARTS["sandwich"] else described.create
    model = create(**arguments)
    model.build((None, None, None, described.channels))
    return model


def distortion(name: str, lpips: Path | None = None, mse_share: float = 0.0) -> Any:
    """What is trained for; each is on the scale of squared error, so that γ stays."""
    if name == "lpips" and lpips is None:
        raise ValueError("LPIPS needs the file of its weights: --lpips FILE (docs/distortions.md).")
    loss = {
        "mse": lambda: "mse",
        "mae": lambda: "mae",
        "ssim": ks.losses.StructuralSimilarity,
        "ms-ssim": ks.losses.MultiScaleStructuralSimilarity,
        "lpips": lambda: ks.losses.LPIPS(lpips),
    }[name]()
    return ks.losses.WeightedSum(["mse", loss], [mse_share, 1 - mse_share]) if mse_share else loss


def take_weights(model: Any, start: Any) -> int:
    """Copies the weights whose names and shapes agree; returns how many there were."""
    taken = 0
    for weight in model.weights:
        for other in start.weights:
            # Who builds a network adds to its path in front.
            shorter, longer = sorted((weight.path, other.path), key=len)
            if f"/{longer}".endswith(f"/{shorter}") and other.shape == weight.shape:
                weight.assign(other)
                taken += 1
    return taken


def training_crops(options: argparse.Namespace, crop_size: int) -> Any:
    """Batches, as many in an epoch as the budget of steps has for it."""
    steps = MINUTES_EPOCH if options.minutes else max(options.steps // EPOCHS, 1)
    if options.scenario == "depth":
        crops = ks.datasets.depth_crops(DEPTH_CROPS, crop_size)
        return ks.datasets.ArrayCrops(crops, batch_size=options.batch_size, steps_per_epoch=steps)
    if options.scenario == "high-bit-depth":
        pictures = deep_pictures(split(options.data)[0])
        return ks.datasets.ArrayCrops(
            pictures, crop_size=crop_size, batch_size=options.batch_size, steps_per_epoch=steps
        )
    train, _ = split(options.data, tuple(options.reductions))
    return ks.datasets.image_folder(
        train, crop_size=crop_size, batch_size=options.batch_size, steps_per_epoch=steps
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=TRAINED)
    parser.add_argument("--part", choices=PARTS, default="sandwich")
    parser.add_argument(
        "--data", type=Path, nargs="+", help="folders of pictures; depth needs none"
    )
    parser.add_argument("--output", type=Path, required=True, help="the model's file, .keras")
    parser.add_argument("--start", help="a model's file or a preset to take weights from")
    parser.add_argument(
        "--slope", type=float, help="γ over the step's square, if not the scenario's"
    )
    parser.add_argument(
        "--qsteps",
        type=float,
        nargs=2,
        metavar=("LOWEST", "HIGHEST"),
        help="if not the scenario's",
    )
    parser.add_argument("--chroma-subsampling", default="4:4:4", help="of a codec in colour")
    parser.add_argument("--distortion", choices=DISTORTIONS, default="mse", help="to train for")
    parser.add_argument("--lpips", type=Path, help="the weights of LPIPS")
    parser.add_argument(
        "--mse-share", type=float, default=0.0, help="of squared error in the distortion, 0 to 1"
    )
    parser.add_argument("--networks", choices=NETWORKS, default="scenario")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument(
        "--minutes", type=float, help="instead of steps, where a machine is lent for a while"
    )
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--crop-size", type=int, help="128; 192 for MS-SSIM, which needs 161")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--reductions", type=int, nargs="+", default=[1, 2], help="of the pictures")
    parser.add_argument("--files", action="store_true", help="JPEG files in the loop, no proxy")
    parser.add_argument("--dtype", default="float32")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    qsteps = tuple(options.qsteps or SCENARIOS[options.scenario].qstep_range)
    loss = distortion(options.distortion, options.lpips, options.mse_share)
    crop_size = options.crop_size or (192 if options.distortion == "ms-ssim" else 128)
    keras.utils.set_random_seed(0)
    model = make(
        options.scenario,
        options.part,
        options.slope,
        qsteps,
        options.chroma_subsampling,
        options.dtype,
        **NETWORKS[options.networks],
    )
    if options.start:
        named = options.start in ks.presets.names()
        load = ks.models.CompressIntraModel.from_preset if named else keras.saving.load_model
        settings = float(model.gamma), float(model.codec_proxy.effective_qstep())
        print(f"{take_weights(model, load(options.start))} of {len(model.weights)} weights taken")
        model.gamma = settings[0]
        model.codec_proxy.set_effective_qstep(settings[1])
    crops = training_crops(options, crop_size)
    # A budget of few steps has few epochs.
    epochs = 10**6 if options.minutes else min(EPOCHS, options.steps)
    model.compile(
        keras.optimizers.Adam(global_clipnorm=CLIPPED, use_ema=True, ema_momentum=AVERAGED),
        loss=loss,
    )
    callbacks = [
        ks.callbacks.SynchronizeEpoch(crops),
        ks.callbacks.TrainingBudget(
            options.learning_rate,
            options.minutes,
            final=0.01,
            state_file=options.output.with_suffix(".spent"),
        ),
        keras.callbacks.BackupAndRestore(options.output.with_suffix(".backup")),
    ]
    if options.files:
        codec = ks.codecs.JPEG(chroma_subsampling=options.chroma_subsampling)
        strengths = np.unique(np.round(np.geomspace(*qsteps, 9)))
        ks.training.train_through_codec(
            model, crops, codec, strengths, epochs=epochs, callbacks=callbacks, verbose=2
        )
    else:
        model.fit(crops, epochs=epochs, callbacks=callbacks, verbose=2)
    model.save(options.output)


if __name__ == "__main__":
    main()
