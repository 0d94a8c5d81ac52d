"""Which network is this? A hash of what it computes."""

import hashlib
import inspect
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

# What says how a layer was made, named, trained or run, and not what it computes; and what Keras adds to a layer's
# configuration once it is built. Arguments at their defaults are left out too, so that a later version, of Keras or of
# this package, may have more of them.
_NO_ARCHITECTURE = {
    "build_config",
    "build_input_shape",
    "compile_config",
    "dtype",
    "module",
    "name",
    "seed",
    "shared_object_id",
    "train_linear",
    "trainable",
}
_NO_ARCHITECTURE_ENDINGS = ("_initializer", "_regularizer", "_constraint")
_REFERENCES = {"inbound_nodes", "input_layers", "output_layers"}  # to layers, by name


def fingerprint(layer: Any) -> str:
    """A hash of a layer's architecture and weights: equal where two layers compute the same.

    The same on every backend, before and after saving, whatever the layers are called and in which precision they
    run; another if an argument that shapes the network or any weight is another. Weights are hashed as float32, and
    integers as int64.

    Example:

    ```python
    import keras_sandwich as ks

    postprocessor = ks.models.Postprocessor(3)
    postprocessor.build((None, None, None, 1))
    before = ks.presets.fingerprint(postprocessor)
    postprocessor.mlp.linear.bias.assign_add(postprocessor.mlp.linear.bias + 1e-3)
    assert len(before) == 64 and ks.presets.fingerprint(postprocessor) != before
    ```

    Args:
        layer: a layer or model that is built and can be saved.

    Returns:
        64 hexadecimal digits, of SHA-256.

    Raises:
        ValueError: the layer is not built.
    """
    if not layer.built:
        raise ValueError(
            f"Only a layer that is built has weights to hash. Received {layer.name!r}, which is not; "
            "build it with `layer.build(shape)` or call it on a picture."
        )
    config = keras.saving.serialize_keras_object(layer)
    names: dict[str, str] = {}
    _number_names(config, names)
    architecture = json.dumps(_architecture(config, names), sort_keys=True, allow_nan=True)
    digest = hashlib.sha256(architecture.encode())
    for weight in layer.weights:
        value = np.asarray(ops.convert_to_numpy(weight))
        kind = "<f4" if np.issubdtype(value.dtype, np.inexact) or value.dtype.kind == "V" else "<i8"
        digest.update(f"{kind}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value.astype(kind)).tobytes())
    return digest.hexdigest()


def _number_names(config: Any, names: dict[str, str]) -> None:
    """Numbers the names of layers in the order in which they come."""
    if isinstance(config, Mapping):
        if isinstance(config.get("name"), str):
            names.setdefault(config["name"], f"layer {len(names)}")
        for value in config.values():
            _number_names(value, names)
    elif isinstance(config, (list, tuple)):
        for value in config:
            _number_names(value, names)


def _architecture(config: Any, names: Mapping[str, str], reference: bool = False) -> Any:
    """What of a configuration shapes the computation, in plain JSON; None is what is not there."""
    if isinstance(config, Mapping):
        result = {}
        for key, value in config.items():
            if key in _NO_ARCHITECTURE or key.endswith(_NO_ARCHITECTURE_ENDINGS):
                continue
            if key == "registered_name" and ">" not in str(value):
                continue  # of Keras's own, which versions write differently
            result[key] = _architecture(value, names, reference or key in _REFERENCES)
        if isinstance(result.get("config"), dict):
            defaults = _defaults(config)
            result["config"] = {
                key: value
                for key, value in result["config"].items()
                if key not in defaults or value != defaults[key]
            }
        return {key: value for key, value in result.items() if value is not None}
    if isinstance(config, (list, tuple)):
        inputs = {"class_name": "InputLayer"}.items()  # a Sequential has one once it is built
        kept = (v for v in config if not (isinstance(v, Mapping) and inputs <= v.items()))
        return [_architecture(value, names, reference) for value in kept]
    if isinstance(config, (bool, np.bool_)) or config is None:
        return None if config is None else bool(config)
    if isinstance(config, (int, float, np.number)):
        return float(config)
    text = str(config)
    return names.get(text, text) if reference else text


def _defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a serialized object's class that have a default, as plain JSON."""
    registered = keras.saving.get_registered_object(config.get("registered_name") or "")
    cls = registered or getattr(keras.layers, str(config.get("class_name")), None)
    if not inspect.isclass(cls):
        return {}
    parameters = inspect.signature(cls.__init__).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    return {name: _architecture(value, {}) for name, value in defaults.items()}
