"""The long trainings behind the bundled presets and the page on other codecs, and the baselines with the same budget.

KERAS_BACKEND=torch python -m benchmarks.long_training grayscale --data train --output runs/grayscale
KERAS_BACKEND=torch python -m benchmarks.long_training lowres --part postprocessor_alone --data train --output runs/…

A trunk at one γ and a constant learning rate; then, from it, a branch for each γ whose learning rate falls to nearly
nothing. Each branch is a model for the rates around its own. Killed and started again it goes on.
"""

import argparse
from pathlib import Path
from typing import Any

import keras

import keras_sandwich as ks

SCENARIOS: dict[str, dict[str, Any]] = {
    "grayscale": {
        "model": {"bottleneck_channels": 1},
        "rate": {"gradient": "quantized"},
        # γ and the squared error that is usual there
        "trunk": (700.0, 85.0),
        "branches": ((1200.0, 110.0), (400.0, 65.0)),
    },
    "lowres": {
        "model": {"bottleneck_channels": 3, "downsample_factor": 2, "convert_to_yuv": True},
        "rate": {"gradient": "unrounded", "interleaved": True},
        "trunk": (400.0, 62.0),
        "branches": ((550.0, 75.0), (250.0, 50.0)),
    },
}
PARTS = {
    "sandwich": ks.models.create_basic_model,
    "postprocessor_alone": ks.evaluation.baselines.postprocessor_alone,
    "preprocessor_alone": ks.evaluation.baselines.preprocessor_alone,
}
STEPS_PER_EPOCH = 50


def make(scenario: str, part: str, gamma: float, dtype: str) -> ks.models.CompressIntraModel:
    """The model, built; a baseline has the same networks, less one."""
    spec = SCENARIOS[scenario]
    model = PARTS[part](
        **spec["model"],
        gamma=gamma,
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
    squared_error: float,
    steps: int,
    rates: dict[str, float],
    file: Path,
) -> None:
    """Trains and saves; a training that was killed goes on, one that is done is loaded."""
    if not file.exists():
        crops = ks.datasets.image_folder(
            data, crop_size=128, reduction=2, batch_size=8, steps_per_epoch=STEPS_PER_EPOCH
        )
        model.compile(keras.optimizers.Adam(), loss=ks.losses.LogSquaredError(squared_error))
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
    parser.add_argument("--trunk-steps", type=int, default=4500)
    parser.add_argument("--branch-steps", type=int, default=1500)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--dtype", default="mixed_bfloat16")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    spec = SCENARIOS[options.scenario]
    gamma, squared_error = spec["trunk"]
    trunk = make(options.scenario, options.part, gamma, options.dtype)
    constant = {"learning_rate": options.learning_rate, "final": 1.0}
    file = options.output / "trunk.keras"
    train(trunk, options.data, squared_error, options.trunk_steps, constant, file)
    falling = {"learning_rate": options.learning_rate, "warmup": 0.0}
    for gamma, squared_error in spec["branches"]:
        branch = make(options.scenario, options.part, gamma, options.dtype)
        branch.set_weights(trunk.get_weights())
        branch.gamma = gamma
        file = options.output / f"gamma_{gamma:g}.keras"
        train(branch, options.data, squared_error, options.branch_steps, falling, file)


if __name__ == "__main__":
    main()
