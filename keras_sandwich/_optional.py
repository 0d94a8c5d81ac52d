"""Libraries that are extras: imported where they are used, with an error that names the extra."""

import importlib
from contextlib import nullcontext
from typing import Any

PACKAGES = {
    "PIL": "Pillow",
    "ai_edge_litert": "ai-edge-litert",
    "av": "PyAV",
    "cv2": "OpenCV",
    "onnx": "ONNX",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "pillow_heif": "pillow-heif",
    "tensorflow_datasets": "tensorflow-datasets",
}


def import_library(module: str, user: str, extra: str = "codecs") -> Any:
    """A module, or an ImportError that names the extra to install."""
    top = module.partition(".")[0]
    try:
        importlib.import_module(top)
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{user} needs {PACKAGES.get(top, top)}: pip install "keras-sandwich[{extra}]".'
        ) from error


def progress_bar(total: int, verbose: int, unit: str) -> Any:
    """A context whose value has `update()`: tqdm's bar, or where `verbose` is 0 one that shows nothing."""
    if not verbose:
        return nullcontext(_NoBar())
    tqdm = import_library("tqdm.auto", "The progress bar (verbose=0 has none)").tqdm
    return tqdm(total=total, unit=unit)


class _NoBar:
    def update(self, count: int = 1) -> None:
        """Shows nothing."""
