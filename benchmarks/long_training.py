"""The long trainings behind the bundled presets and the page on other codecs, and the baselines with the same budget.

KERAS_BACKEND=torch python -m benchmarks.long_training grayscale --data train --output runs/grayscale
KERAS_BACKEND=torch python -m benchmarks.long_training lowres --part postprocessor_alone --data train --output runs/…

A trunk at one γ and a constant learning rate; then, from it, a branch for lower and one for higher rates, whose
learning rate falls to nearly nothing. Killed and started again it goes on.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import keras

import keras_sandwich as ks


class Target(NamedTuple):
    """What a model is trained for: γ, and the quantizer step that it starts at."""

    gamma: float
    qstep: float


SCENARIOS: dict[str, dict[str, Any]] = {
    "grayscale": {
        "model": {"bottleneck_channels": 1},
        "rate": {"gradient": "quantized"},
        "trunk": Target(gamma=700.0, qstep=27.0),
        "branches": {
            "low_rates": Target(gamma=950.0, qstep=40.0),
            "high_rates": Target(gamma=300.0, qstep=22.0),
        },
    },
    "lowres": {
        "model": {"bottleneck_channels": 3, "downsample_factor": 2, "convert_to_yuv": True},
        "rate": {"gradient": "unrounded", "interleaved": True},
        "trunk": Target(gamma=400.0, qstep=21.0),
        "branches": {
            "low_rates": Target(gamma=480.0, qstep=34.0),
            "high_rates": Target(gamma=170.0, qstep=19.0),
        },
    },
}
PARTS = {
    "sandwich": ks.models.create_basic_model,
    "postprocessor_alone": ks.evaluation.baselines.postprocessor_alone,
    "preprocessor_alone": ks.evaluation.baselines.preprocessor_alone,
}
STEPS_PER_EPOCH = 50


def make(scenario: str, part: str, target: Target, dtype: str) -> ks.models.CompressIntraModel:
    """The model, built; a baseline has the same networks, less one."""
    spec = SCENARIOS[scenario]
    model = PARTS[part](
        **spec["model"],
        gamma=target.gamma,
        rate_model=ks.layers.JpegRate(**spec["rate"]),
        encoder_filters=(32, 64),
        decoder_filters=(128, 64, 32),
        unet_patch_size=2,
        rounding="uniform_noise",
        seed=0,
        dtype=dtype,
    )
    model.build((None, None, None, 3))
    return model


def train(
    model: ks.models.CompressIntraModel,
    data: Path,
    steps: int,
    rates: dict[str, float],
    file: Path,
) -> None:
    """Trains and saves; a training that was killed goes on, one that is done is loaded."""
    if not file.exists():
        crops = ks.datasets.image_folder(
            data, crop_size=128, reduction=2, batch_size=8, steps_per_epoch=STEPS_PER_EPOCH
        )
        model.compile(keras.optimizers.Adam(), loss="mse")
        model.fit(
            crops,
            epochs=-(-steps // STEPS_PER_EPOCH),
            callbacks=[
                ks.datasets.SynchronizeEpoch(crops),
                ks.callbacks.TrainingBudget(**rates),
                keras.callbacks.BackupAndRestore(file.with_suffix(".backup")),
            ],
            verbose=2,
        )
        model.save(file)
    model.load_weights(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--part", choices=PARTS, default="sandwich")
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--trunk-steps", type=int, default=3200)
    parser.add_argument("--branch-steps", type=int, default=2200)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--dtype", default="mixed_bfloat16")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    spec = SCENARIOS[options.scenario]
    target = spec["trunk"]
    trunk = make(options.scenario, options.part, target, options.dtype)
    constant = {"learning_rate": options.learning_rate, "final": 1.0}
    file = options.output / "trunk.keras"
    train(trunk, options.data, options.trunk_steps, constant, file)
    falling = {"learning_rate": options.learning_rate * 0.6, "final": 0.01}
    for name, target in spec["branches"].items():
        branch = make(options.scenario, options.part, target, options.dtype)
        branch.set_weights(trunk.get_weights())
        branch.gamma = target.gamma
        branch.codec_proxy.qstep.assign(target.qstep - branch.codec_proxy.min_qstep)
        file = options.output / f"{name}.keras"
        train(branch, options.data, options.branch_steps, falling, file)


if __name__ == "__main__":
    main()
