"""`export_networks`: the networks of a sandwich as files of another runtime."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._arguments import check_positive, require_integers, require_option
from keras_sandwich._version import __version__
from keras_sandwich._whole_files import write_whole
from keras_sandwich.datasets import sample_images
from keras_sandwich.exporting import calibration
from keras_sandwich.exporting.formats import ExportFormat, require_format
from keras_sandwich.exporting.litert_files import write_litert
from keras_sandwich.exporting.network_program import RESULT, NetworkProgram
from keras_sandwich.exporting.onnx_files import write_onnx
from keras_sandwich.exporting.openvino_files import write_openvino
from keras_sandwich.exporting.running import load_program
from keras_sandwich.files.networks import Network, load_network
from keras_sandwich.presets.fingerprint import fingerprint

DESCRIPTION = "export.json"
SIDES = ("preprocessor", "postprocessor")
CALIBRATED = ("onnx", "openvino")  # the formats whose int8 needs to have seen pictures
MOST_PICTURES = 8  # to calibrate on; the ranges of features hardly change with more


def export_networks(
    model: Any,
    folder: str | os.PathLike[str],
    format: str = "onnx",
    *,
    precision: str = "float32",
    networks: Sequence[str] = SIDES,
    qstep: float | None = None,
    size: tuple[int, int] | None = None,
    pictures: Sequence[np.ndarray] | None = None,
) -> dict[str, Any]:
    """Writes the networks of a sandwich as files that run without Keras, each by its own runtime.

    A network's inputs are `images`, [batch, height, width, channels] float32 of pixel levels, and where it is
    conditioned on the quantizer step `qstep`, [1] float32: a coded file says which it was written for. The output is
    not rounded: round and clip it to [0, 255] for the codec, to [0, 255·2^k] for a picture.

    Example:

    ```python
    import keras
    import keras_sandwich as ks

    model = ks.models.create_linear_baseline(1)
    if keras.backend.backend() == "torch":  # or "tensorflow"
        about = ks.exporting.export_networks(model, "exported", format="onnx", precision="float16")
        assert about["networks"]["postprocessor"]["decibels_lost"] < 0.05
    ```

    Args:
        model: a `CompressIntraModel` or `CompressVideoModel`, the name or folder of a preset, or a .keras file.
        folder: to write to; "preprocessor" and "postprocessor" with the format's suffix, and "export.json", which
            is what is returned.
        format: "onnx", "openvino", "litert", "tf_saved_model" or "torch".
        precision: "float32"; "float16", weights stored so, for programs that compute in float32 unless the runtime is
            told otherwise; or "int8", the U-Net's convolutions in eight bits (`onnx`, `openvino`, calibrated on
            pictures), or its and the linear path's weights (`litert`).
        networks: which to write.
        qstep: bake the step in: the program then has one input, and is for one step.
        size: (height, width) of the pictures, for programs of one size; None: of any size.
        pictures: uint8 pictures [height, width, channels], to calibrate on and to measure what is lost; None: the
            bundled photographs, those held out to measure on.

    Returns:
        A dict: "format", "precision", "keras_sandwich", "preset", "qstep" (the range that the networks are for, or the
        step baked in, or None), and "networks": of each the "file", its "bytes", "inputs" and "output" with their
        shapes, the "fingerprint"; and, unless in float32, the "decibels_lost" in PSNR, mean over pictures and steps,
        and of a preprocessor the "bits" of the coded files, as a factor.

    Raises:
        ValueError: a format that cannot be written so or on this backend, or a model without the networks.
        ImportError: a library that is needed is not installed.
    """
    form = require_format(format, precision, size)
    if size is not None:
        require_integers(height=size[0], width=size[1])
    network = load_network(model)
    if qstep is not None:
        qstep = check_positive(qstep, "qstep")
    for name in networks:
        require_option(name, SIDES, "networks")
    sides = [name for name in networks if getattr(network.model, name) is not None]
    if not sides:
        raise ValueError(f"The model has no {' and no '.join(networks) or 'network'} to export.")
    if not any(getattr(getattr(network.model, side), "conditioned", False) for side in sides):
        qstep = None
    calibrated = precision == "int8" and format in CALIBRATED
    seen = (
        calibration.cases(network, _pictures(network, pictures, "train"), qstep)
        if calibrated
        else []
    )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, dict[str, Any]] = {}
    for side in sides:
        program = NetworkProgram(getattr(network.model, side), qstep)
        channels = network.channels if side == "preprocessor" else network.bottleneck_channels
        path = folder / f"{side}{form.suffix}"
        reduced = _size_of(network, side, size)
        signature = program.signature(channels, reduced)
        _write(
            form,
            program,
            path,
            signature,
            precision,
            calibration.samples(program, side, seen, reduced),
        )
        written[side] = {
            "file": path.name,
            "bytes": _bytes(path),
            "inputs": {spec.name: list(spec.shape) for spec in signature},
            "output": RESULT,
            **_about(network, side),
        }
    about = {
        "keras_sandwich": __version__,
        "preset": network.preset,
        "format": format,
        "precision": precision,
        "qstep": qstep or _steps(network, sides),
        "networks": written,
    }
    if precision != "float32" and size is None:
        held_out = calibration.cases(network, _pictures(network, pictures, "test"), qstep)
        for side in sides:
            program = NetworkProgram(getattr(network.model, side), qstep)
            measure = getattr(calibration, f"loss_of_{side}")
            run = load_program(folder / written[side]["file"])
            written[side] |= measure(network, program, run, held_out)
    write_whole(folder / DESCRIPTION, json.dumps(about, indent=1) + "\n")
    return about


def _write(
    form: ExportFormat,
    program: NetworkProgram,
    path: Path,
    signature: Sequence[Any],
    precision: str,
    samples: Any,
) -> None:
    if form.name == "onnx":
        write_onnx(program, path, signature, precision, samples)
    elif form.name == "openvino":
        write_openvino(program, path, signature, precision, samples)
    elif form.name == "litert":
        write_litert(program, path, signature, precision)
    else:
        program.export(str(path), format=form.name, input_signature=list(signature), verbose=False)


def _pictures(network: Network, given: Sequence[np.ndarray] | None, split: str) -> list[np.ndarray]:
    """The pictures to calibrate on ("train") or to measure on ("test"), as the network takes them."""
    if given is None:
        pictures = sample_images(split)[:: 4 if split == "train" else 1]
        bits = pictures.astype("float32") * 2.0**network.num_truncate_bits
        gray = bits.mean(axis=-1, keepdims=True)
        return list(gray if network.channels == 1 else bits)[:MOST_PICTURES]
    wrong = [np.shape(picture) for picture in given if np.ndim(picture) != 3]
    if wrong or not len(given):
        raise ValueError(
            "`pictures` must be a list of pictures [height, width, channels]. Received "
            f"{f'one of shape {wrong[0]}' if wrong else 'none'}."
        )
    # Every second one is held out to measure on, where there are two.
    held_out = split == "test" and len(given) > 1
    return [np.asarray(picture) for picture in given[1 if held_out else 0 :: 2]][:MOST_PICTURES]


def _size_of(network: Network, side: str, size: tuple[int, int] | None) -> tuple[int, int] | None:
    """What the network of a side is given for pictures of a size."""
    return network.coded_size(size) if size is not None and side == "postprocessor" else size


def _about(network: Network, side: str) -> dict[str, Any]:
    """What a caller has to know of a network."""
    part = getattr(network.model, side)
    levels = 255.0 * 2.0**network.num_truncate_bits
    return {
        "channels": network.bottleneck_channels if side == "preprocessor" else network.channels,
        "input_range": [0.0, levels if side == "preprocessor" else 255.0],
        "output_range": [0.0, 255.0 if side == "preprocessor" else levels],
        "downsample_factor": network.downsample_factor,
        "multiple_of": network.model.macroblock,
        "fingerprint": fingerprint(part),
    }


def _steps(network: Network, sides: Sequence[str]) -> list[float] | None:
    """The range of steps that conditioned networks are for."""
    told = any(getattr(getattr(network.model, side), "conditioned", False) for side in sides)
    steps = network.model.qstep_range
    return list(steps) if told and steps else None


def _bytes(path: Path) -> int:
    """Of a file, with its weights beside it, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path, path.with_suffix(".bin")]
    return sum(file.stat().st_size for file in files if file.is_file())
