"""`info`: of a coded file, a sandwich, or the installation."""

import argparse
import dataclasses
import json
import platform
from pathlib import Path
from typing import Any

import keras

from keras_sandwich import codecs, presets
from keras_sandwich._version import __version__
from keras_sandwich.codecs.registry import FORMATS
from keras_sandwich.files import read_info
from keras_sandwich.files.networks import load_network


def run(options: argparse.Namespace) -> int:
    """The command `info`."""
    if options.subject is None:
        description = describe_installation()
    elif Path(options.subject).is_file() and not options.subject.endswith(".keras"):
        description = describe_file(options.subject)
    else:
        description = describe_model(options.subject)
    if options.json:
        print(json.dumps(description, indent=1))
    else:
        width = max(map(len, description)) + 2
        for name, value in description.items():
            print(f"{name + ':':{width}}{_spelled(value)}")
    return 0


def describe_file(path: str) -> dict[str, Any]:
    """What a coded file says of itself."""
    about = dataclasses.asdict(read_info(path))
    about["bits_per_pixel"] = round(about["bits_per_pixel"], 4)
    return {
        name.replace("_", " "): f"{value[1]}×{value[0]}"
        if name.endswith("_size") and isinstance(value, tuple)
        else value
        for name, value in about.items()
    }


def describe_model(name: str) -> dict[str, Any]:
    """What a sandwich does, and for which files."""
    network = load_network(name)
    bundled = presets.describe(network.preset) if network.preset else {}
    return {
        "description": bundled.get("description", ""),
        "preset": network.preset,
        "network": network.fingerprint,
        "parameters": network.model.count_params(),
        "picture channels": network.channels,
        "picture bits": 8 + network.num_truncate_bits,
        "coded channels": network.bottleneck_channels,
        "reduction": network.downsample_factor,
        "gamma": float(keras.ops.convert_to_numpy(network.model.gamma)),
    }


def describe_installation() -> dict[str, Any]:
    """Versions, the backend, and the codecs that can be used."""
    return {
        "keras-sandwich": __version__,
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        **{kind.name: _version(kind.codec) for kind in FORMATS},
        "presets": presets.names(),
    }


def _version(kind: type[codecs.Codec]) -> str:
    try:
        return kind().version
    except (ImportError, OSError) as error:
        return f"not available: {error}"


def _spelled(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {setting}" for name, setting in value.items())
    return str(value)
