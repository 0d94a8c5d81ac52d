"""Loading a model from a folder that `saving` wrote, without running code that it names."""

import json
import os
from pathlib import Path
from typing import Any

import keras

from keras_sandwich.presets.bundled import CONFIG, METADATA, WEIGHTS, names
from keras_sandwich.presets.bundled import folder as folder_of_bundled
from keras_sandwich.presets.fingerprint import fingerprint
from keras_sandwich.presets.saving import FORMAT, versions

# Where layers, their arguments and their operations come from; `keras.utils`, say, can write files.
_KERAS_ROOMS = (
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.layers",
    "keras.models",
    "keras.ops",
    "keras.regularizers",
)
_KERAS = ("keras.src.layers.", "keras.src.models.", "keras.src.ops.")
# Layers of Keras that run code, or read files, that their configuration names or holds.
_UNSAFE_LAYERS = {
    *("Lambda", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"),
    *("StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"),
}


def load(cls: Any, name_or_path: Any) -> Any:
    """`CompressionModel.from_preset`."""
    folder = _folder(name_or_path)
    config, metadata = (_read(folder, name) for name in (CONFIG, METADATA))
    saved_format = metadata.get("format")
    if saved_format != FORMAT:
        raise ValueError(
            f"The preset in {folder} has format {saved_format!r}; this version reads format {FORMAT}. "
            f"{_history(metadata)}"
        )
    if not (folder / WEIGHTS).is_file():
        raise ValueError(f"The preset in {folder} lacks {WEIGHTS}. Copy the whole folder.")
    registered = keras.saving.get_registered_name(cls)
    if config.get("registered_name") != registered:
        raise ValueError(
            f"Expected a preset of {registered}. Received one of {config.get('registered_name')!r} "
            f"in {folder}."
        )
    _require_known_classes(config, folder)
    try:
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    except Exception as error:  # whatever Keras and the layers raise
        raise ValueError(
            f"The model of the preset in {folder} cannot be made: {error} {_history(metadata)}"
        ) from error
    try:
        model.load_weights(folder / WEIGHTS)
    except Exception as error:  # whatever Keras and the file's library raise
        raise ValueError(
            f"The weights of the preset in {folder} cannot be read: {error} {_history(metadata)}"
        ) from error
    expected = metadata.get("fingerprints", {}).get("model")
    received = fingerprint(model)
    if received != expected:
        raise ValueError(
            f"The preset in {folder} is not what was saved: its metadata has the fingerprint {expected}, "
            f"its model {received}. Copy the whole folder again, or save it again with `save_to_preset`. "
            f"{_history(metadata)}"
        )
    return model


def _folder(name_or_path: Any) -> Path:
    text = os.fspath(name_or_path)
    if text in names():
        return folder_of_bundled(text)
    path = Path(text)
    return path if path.is_dir() else folder_of_bundled(text)


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"The folder {folder} is no preset: it lacks {name}.") from error
    except ValueError as error:
        raise ValueError(f"{name} in {folder} is damaged: {error}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{name} in {folder} is damaged: it holds no dict.")
    return content


def _require_known_classes(config: Any, folder: Path) -> None:
    """ValueError if making the model would import anything but layers of Keras and what is registered with it."""
    if isinstance(config, dict):
        module, name = config.get("module"), config.get("registered_name")
        known = module is None or str(module).startswith(_KERAS) or module in _KERAS_ROOMS
        if not known and keras.saving.get_registered_object(name or "") is None:
            raise ValueError(
                f"The preset in {folder} asks for {module}.{config.get('class_name')}, which is neither "
                "a layer of Keras nor registered with it. Import what registers it before loading the "
                "preset, if you trust it."
            )
        if config.get("class_name") in _UNSAFE_LAYERS:
            raise ValueError(
                f"The preset in {folder} asks for the layer {config['class_name']}, which runs code or reads "
                "files of the preset's choice. No preset may hold it; save the model as a .keras file."
            )
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            _require_known_classes(value, folder)


def _history(metadata: dict[str, Any]) -> str:
    saved = {name: metadata.get(name, "unknown") for name in versions()}

    def listed(versions: dict[str, Any]) -> str:
        return " and ".join(f"{name} {version}" for name, version in versions.items())

    return f"It was saved by {listed(saved)}; here are {listed(versions())}."
