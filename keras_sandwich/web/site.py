"""`write_site`: a folder of static files that restores a sandwich's pictures in the browser."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import keras

from keras_sandwich import presets
from keras_sandwich._optional import import_library
from keras_sandwich.datasets import sample_images, sample_names
from keras_sandwich.exporting.formats import require_format
from keras_sandwich.exporting.network_program import WindowProgram
from keras_sandwich.exporting.onnx_files import write_onnx
from keras_sandwich.files import encode_file
from keras_sandwich.files.networks import Network, load_network
from keras_sandwich.models.processors import Postprocessor

# Of ONNX Runtime Web: for WebGPU, and for WebAssembly alone, which is half as large.
RUNTIME_FILES = (
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)
RUNTIME_VERSION = "1.30.0"  # that the page is tested with
NODE_MODULES = Path("node_modules", "onnxruntime-web", "dist")
NETWORK = "postprocessor.onnx"
SAMPLES = ("chelsea_eyes", "coffee_cup", "rocket")
SAMPLE_BITS_PER_PIXEL = 0.6


def write_site(
    model: Any,
    folder: str | os.PathLike[str],
    *,
    runtime: str | os.PathLike[str] | None = None,
    precision: str = "float32",
    samples: Mapping[str, bytes] | None = None,
) -> Path:
    """Writes a static page on which whoever visits it restores coded files, in the browser: nothing is sent anywhere.

    The page runs the second network with ONNX Runtime Web, which is not part of this package: `npm install
    onnxruntime-web@1.30.0` brings it into `node_modules`, and its files are copied into the site. Any web server
    serves it, from any path, such as `python -m http.server --directory site`.

    Example:

    ```python
    import os
    import keras_sandwich as ks

    if os.path.isdir("node_modules/onnxruntime-web"):
        ks.web.write_site("grayscale", "site")
    ```

    Args:
        model: a `CompressIntraModel`, the name or folder of a preset, or a .keras file.
        folder: to write to; of what is there, files of the same names are replaced.
        runtime: the folder `dist` of the npm package onnxruntime-web; None looks in `node_modules` here.
        precision: of the network's weights, "float32" or "float16", of half the size.
        samples: coded files by their names, which the page offers; None: three bundled photographs, encoded now.

    Returns:
        The page's path.

    Raises:
        ValueError: no `Postprocessor`, one of more than 8 bits or one whose network does not say how far it sees; no
            runtime in the folder, or a backend that cannot export.
        ImportError: a library that is needed is not installed.
    """
    require_format("onnx", precision, None)
    if precision == "int8":
        raise ValueError(
            "The page's network is float32 or float16, which browsers run as fast. Received precision='int8'."
        )
    import_library("onnx", "Writing a site", "onnx")
    network = load_network(model)
    about = describe_network(network)
    runtime_files = _find_runtime(runtime)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page = resources.files(__package__) / "page"
    with resources.as_file(page) as files:
        shutil.copytree(files, folder, dirs_exist_ok=True)
    for name in ("network", "runtime", "samples"):
        (folder / name).mkdir(exist_ok=True)
    for file in runtime_files:
        shutil.copy(file, folder / "runtime")
    program = WindowProgram(network.model.postprocessor)
    signature = program.signature(network.bottleneck_channels)
    write_onnx(program, folder / "network" / NETWORK, signature, precision)
    _write_json(folder / "network" / "network.json", about)
    samples = _encoded_samples(network) if samples is None else samples
    for name, data in samples.items():
        (folder / "samples" / name).write_bytes(data)
    _write_json(folder / "samples" / "samples.json", list(samples))
    return folder / "index.html"


def describe_network(network: Network) -> dict[str, Any]:
    """What the page has to know of the second network; ValueError where it could not run it."""
    side = network.model.postprocessor
    if not isinstance(side, Postprocessor):
        raise ValueError(
            "The page runs a `Postprocessor`. Received a model whose postprocessor is "
            f"{'none' if side is None else type(side).__name__}."
        )
    if network.num_truncate_bits:
        raise ValueError(
            "A page shows pictures of 8 bits. Received a model of "
            f"{8 + network.num_truncate_bits}; restore its files with `decode_file`."
        )
    reach = side.receptive_field()
    if reach is None:
        raise ValueError(
            "Large pictures are cut into tiles, and it must be known how far the network sees. Received a network of "
            f"its own kind, {type(side.unet).__name__}; set its attributes `receptive_radius` and `alignment`."
        )
    step = None
    if side.conditioned:
        step = float(keras.ops.convert_to_numpy(network.model.codec_proxy.effective_qstep()))
    bundled = presets.describe(network.preset) if network.preset else {}
    return {
        "name": network.preset or network.fingerprint[:8],
        "description": bundled.get("description", ""),
        "file": NETWORK,
        "fingerprint": network.fingerprint,
        "channels": network.channels,
        "bottleneckChannels": network.bottleneck_channels,
        "factor": network.downsample_factor,
        "resamples": WindowProgram(side).resamples,
        "macroblock": network.model.macroblock,
        "radius": reach.radius,
        "alignment": reach.alignment,
        "conditioned": side.conditioned,
        "qstep": step,
    }


def _find_runtime(folder: str | os.PathLike[str] | None) -> list[Path]:
    """The files of ONNX Runtime Web in a folder, or in the `dist` within it."""
    given = NODE_MODULES if folder is None else Path(folder)
    for place in (given, given / "dist"):
        files = [place / name for name in RUNTIME_FILES]
        if all(file.is_file() for file in files):
            return files
    missing = [name for name in RUNTIME_FILES if not (given / name).is_file()]
    raise ValueError(
        f"Expected ONNX Runtime Web in {str(given)!r}, which lacks {missing[0]}. Run `npm install "
        f"onnxruntime-web@{RUNTIME_VERSION}` and pass its folder as `runtime` (--runtime), "
        f"{str(NODE_MODULES)!r} where it was run."
    )


def _encoded_samples(network: Network) -> dict[str, bytes]:
    """Three bundled photographs, coded."""
    pillow = import_library("PIL.Image", "Encoding samples")
    photographs = dict(zip(sample_names("test"), sample_images("test"), strict=True))
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in SAMPLES:
            source, target = Path(folder, f"{name}.png"), Path(folder, f"{name}.jpg")
            picture = photographs[name]
            if network.channels == 1:
                picture = picture[..., 1]
            pillow.fromarray(picture).save(source)
            encode_file(source, target, network, bits_per_pixel=SAMPLE_BITS_PER_PIXEL)
            files[target.name] = target.read_bytes()
    return files


def _write_json(path: Path, value: Mapping[str, Any] | Sequence[str]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
