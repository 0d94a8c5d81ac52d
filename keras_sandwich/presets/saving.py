"""Saving a model as a folder: its configuration, its weights, and what is known of it."""

import contextlib
import json
from pathlib import Path
from typing import Any

import keras

from keras_sandwich._version import __version__
from keras_sandwich._whole_files import replace_whole
from keras_sandwich.presets.bundled import CONFIG, METADATA, WEIGHTS
from keras_sandwich.presets.compact_weights import make_compact
from keras_sandwich.presets.fingerprint import fingerprint

FORMAT = 1  # of the folder; raised when an older package could not read a newer one's


def save(model: Any, path: Any, description: str, measured: Any, metadata: dict[str, Any]) -> None:
    """`CompressionModel.save_to_preset`."""
    if not model.built:
        raise ValueError(
            "Only a model that is built has weights to save. "
            "Build it, as a sandwich for pictures with `model.build((None, None, None, channels))`, or call it."
        )
    sides = {"preprocessor": model.preprocessor, "postprocessor": model.postprocessor}
    own = {
        "format": FORMAT,
        **versions(),
        "description": description,
        "measured": measured or {},
        "parameters": {
            "model": model.count_params(),
            **{name: side.count_params() if side else 0 for name, side in sides.items()},
        },
        "fingerprints": {
            "model": fingerprint(model),
            **{name: fingerprint(side) if side else None for name, side in sides.items()},
        },
    }
    taken = sorted(set(own) & set(metadata))
    if taken:
        raise ValueError(f"The metadata itself holds {', '.join(taken)}. Choose other names.")
    try:
        about = json.dumps({**own, **metadata}, indent=2, ensure_ascii=False)
    except TypeError as error:
        raise ValueError(
            f"`measured` and the metadata must be what JSON can hold. Received {error}."
        ) from error
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)  # a loss of the user's own would be asked for
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    # All are whole before the first is replaced, so that an interruption leaves the preset that was there before.
    with contextlib.ExitStack() as stack:
        new = {
            name: stack.enter_context(replace_whole(folder / name))
            for name in (WEIGHTS, METADATA, CONFIG)
        }
        new[CONFIG].write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        new[METADATA].write_text(about + "\n", encoding="utf-8")
        model.save_weights(new[WEIGHTS])
        make_compact(new[WEIGHTS])


def versions() -> dict[str, str]:
    """The versions that a folder's metadata name."""
    return {"keras_sandwich": __version__, "keras": keras.__version__}
