"""Libraries that are extras: imported where they are used, with an error that names the extra."""

import importlib
from typing import Any

PACKAGES = {
    "PIL": "Pillow",
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
