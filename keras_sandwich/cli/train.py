"""`train`: a sandwich from a folder of pictures."""

import argparse
import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sandwich._whole_files import write_whole
from keras_sandwich.callbacks import SynchronizeEpoch, TrainingBudget
from keras_sandwich.datasets import ArrayCrops, image_folder
from keras_sandwich.depth.loading import SUFFIXES as DEPTH_SUFFIXES
from keras_sandwich.files.networks import load_network
from keras_sandwich.files.sources import RADIANCE, read_source
from keras_sandwich.models import CompressIntraModel
from keras_sandwich.models.scenarios import SCENARIOS, scenario_arguments
from keras_sandwich.pictures import find_pictures
from keras_sandwich.pictures.formats import PICTURE_SUFFIXES

ENDLESS = 1_000_000  # epochs: the minutes end the training
STEPS_PER_EPOCH = 25
LEAST_EPOCHS = 50  # so that the learning rate, set once an epoch, follows its curve
CHROMA, FACTOR = "4:2:0", 2  # where a scenario has them and the user does not say
SUBSAMPLED = ("low-resolution", "colour")  # scenarios whose codec has chroma to subsample
DEEP = ("depth", "high-bit-depth")  # scenarios of more than 8 bits
BACKUP = "backup"  # what is kept of a training, from the end of its first epoch on
# What makes it another training, which cannot go on from the state of this one.
TRAINING = (
    *("pictures", "scenario", "minutes", "steps", "gamma", "qsteps", "chroma", "factor", "filters"),
    *("crop_size", "batch_size", "reduction", "learning_rate", "seed"),
)


def run(options: argparse.Namespace) -> int:
    """The command `train`."""
    _require_meaning(options)
    target: Path = options.target
    if target.exists():
        raise ValueError(
            f"The target is there already. Received {str(target)!r}; delete it to train anew, or "
            "write to another name."
        )
    state = target.with_name(f"{target.name}.training")
    keras.utils.set_random_seed(options.seed)
    steps_per_epoch, epochs = _epochs(options.steps)
    model = make_model(options)
    crops, count = _crops(options, model, steps_per_epoch)
    _require_same_training(state, options)
    model.compile(keras.optimizers.Adam(options.learning_rate), loss="mse")
    print(
        f"{options.scenario}: {model.count_params():,} parameters, {count} pictures, "
        f"{keras.backend.backend()}. What is needed to go on is kept in {state}."
    )
    model.fit(
        crops,
        epochs=epochs,
        callbacks=[
            SynchronizeEpoch(crops),
            keras.callbacks.TerminateOnNaN(),
            _RefuseDivergence(state, options.learning_rate),  # before what is kept of an epoch
            TrainingBudget(
                options.learning_rate,
                minutes=options.minutes if options.steps is None else None,
                state_file=state / "budget.json",
            ),
            # Kept until the model is saved, which a full disk may prevent.
            keras.callbacks.BackupAndRestore(state / BACKUP, delete_checkpoint=False),
        ],
        verbose=1 if sys.stdout.isatty() else 2,
    )
    if target.suffix == ".keras":
        model.save(target)
    else:
        model.save_to_preset(target)
    shutil.rmtree(state, ignore_errors=True)
    print(target)
    return 0


class _RefuseDivergence(keras.callbacks.Callback):
    """ValueError at the end of an epoch whose loss or weights are not finite."""

    def __init__(self, state: Path, learning_rate: float) -> None:
        super().__init__()
        self.state = state
        self.learning_rate = learning_rate

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        weights = map(keras.ops.convert_to_numpy, self.model.trainable_weights)
        if math.isfinite(loss) and all(np.isfinite(weight).all() for weight in weights):
            return
        raise ValueError(
            f"The training diverged in epoch {epoch + 1}: its loss is {loss}, and nothing of it is saved. "
            f"Delete {str(self.state)!r} and train anew with a lower --learning-rate than {self.learning_rate:g}."
        )


def make_model(options: argparse.Namespace) -> CompressIntraModel:
    """The sandwich of a scenario, built."""
    changed: dict[str, Any] = {
        "encoder_filters": options.filters,
        "decoder_filters": [2 * options.filters[-1], *reversed(options.filters)],
        "seed": options.seed,
    }
    if options.scenario in SUBSAMPLED:
        changed["chroma_subsampling"] = options.chroma or CHROMA
    if options.scenario == "low-resolution":
        changed["downsample_factor"] = options.factor or FACTOR
    if options.gamma is not None:
        changed["gamma"] = options.gamma
    described = SCENARIOS[options.scenario]
    model = described.create(**scenario_arguments(options.scenario, options.qsteps, **changed))
    model.build((None, None, None, described.channels))
    return model


def _crops(options: argparse.Namespace, model: CompressIntraModel, steps: int) -> tuple[Any, int]:
    """Batches, and of how many pictures."""
    shared: dict[str, Any] = {
        "crop_size": options.crop_size,
        "batch_size": options.batch_size,
        "steps_per_epoch": steps,
        "seed": options.seed,
    }
    if options.scenario not in DEEP:
        crops = image_folder(options.pictures, reduction=options.reduction, **shared)
        return crops, len(crops.names)
    network = load_network(model)
    suffixes = DEPTH_SUFFIXES if network.for_depth else (*PICTURE_SUFFIXES, *RADIANCE)
    files = find_pictures(options.pictures, suffixes)
    pictures = [read_source(file, network)[0].pixels for file in files]
    return ArrayCrops(pictures, **shared), len(pictures)


def _require_meaning(options: argparse.Namespace) -> None:
    """ValueError for arguments that the scenario would ignore."""
    if options.reduction != 1 and options.scenario in DEEP:
        raise ValueError(
            "Maps of depth and pictures of 16 bits are trained on as they are. "
            f"Received --reduction {options.reduction}; leave it out."
        )
    if options.chroma is not None and options.scenario not in SUBSAMPLED:
        raise ValueError(
            f"The codec of --scenario {options.scenario} has no chroma to subsample. "
            f"Received --chroma {options.chroma}; leave it out, or choose another --scenario."
        )
    if options.factor is not None and options.scenario != "low-resolution":
        raise ValueError(
            f"--factor belongs to --scenario low-resolution. Received --factor {options.factor} "
            f"with --scenario {options.scenario}; leave it out, or choose low-resolution."
        )


def _epochs(steps: int | None) -> tuple[int, int]:
    """Steps of an epoch, and epochs."""
    if steps is None:
        return STEPS_PER_EPOCH, ENDLESS
    steps_per_epoch = min(max(steps // LEAST_EPOCHS, 1), STEPS_PER_EPOCH)
    return steps_per_epoch, -(-steps // steps_per_epoch)


def _require_same_training(state: Path, options: argparse.Namespace) -> None:
    """Notes the arguments of a new training; refuses others for one of which there is something to go on from."""
    file = state / "arguments.json"
    arguments: dict[str, Any] = {name: getattr(options, name) for name in TRAINING}
    arguments["pictures"] = str(options.pictures.resolve())
    arguments |= {"chroma": options.chroma or CHROMA, "factor": options.factor or FACTOR}
    if file.exists() and (state / BACKUP).exists():
        begun = json.loads(file.read_text(encoding="utf-8"))
        changed = [name for name in arguments if arguments[name] != begun.get(name)]
        if changed:
            received = ", ".join(f"{name}={arguments[name]}" for name in changed)
            expected = ", ".join(f"{name}={begun.get(name)}" for name in changed)
            raise ValueError(
                f"A training to the same target was begun with {expected}. Received {received}; "
                f"give the same arguments to go on, or delete {str(state)!r} to begin anew."
            )
        return
    state.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(arguments, indent=1))
