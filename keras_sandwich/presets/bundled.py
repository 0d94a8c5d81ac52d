"""Trained sandwiches that come with the package: `models.CompressIntraModel.from_preset(name)` loads one."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
METADATA = "metadata.json"


def names() -> list[str]:
    """The names of the bundled presets.

    Example:

    ```python
    import keras_sandwich as ks

    for name in ks.presets.names():
        print(name, ks.presets.describe(name)["description"])
    ```

    Returns:
        Sorted names.
    """
    return sorted(entry.name for entry in _bundled().iterdir() if (entry / CONFIG).is_file())


def describe(name: str) -> dict[str, Any]:
    """What a bundled preset is, and what was measured with it.

    Example:

    ```python
    import keras_sandwich as ks

    measured = {name: ks.presets.describe(name)["measured"] for name in ks.presets.names()}
    ```

    Args:
        name: one of `names()`.

    Returns:
        The preset's metadata: "description", "measured", the numbers of "parameters", "fingerprints" of the model and
        its sides, the versions of "keras_sandwich" and "keras" that saved it, and whatever else was saved.

    Raises:
        ValueError: no such preset.
    """
    metadata = json.loads((folder(name) / METADATA).read_text(encoding="utf-8"))
    return dict(metadata)


def folder(name: str) -> Path:
    """Where a bundled preset lies; ValueError if there is none of the name."""
    bundled = names()
    if name not in bundled:
        raise ValueError(
            f"There is no bundled preset of this name. Expected {_listed(bundled)}, or the path of a "
            f"folder that `save_to_preset` wrote. Received {name!r}."
        )
    return _bundled() / name


def _bundled() -> Path:
    return Path(str(resources.files(__package__)))


def _listed(bundled: list[str]) -> str:
    return f"one of {', '.join(map(repr, bundled))}" if bundled else "none, as none are bundled"
