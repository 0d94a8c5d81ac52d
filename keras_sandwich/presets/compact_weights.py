"""A file of weights in fewer bytes, with not a bit of a weight changed."""

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def make_compact(path: Path) -> None:
    """Rewrites a `.weights.h5` file: compressed, and in float16 what that holds exactly.

    Keras casts what it reads to the dtype of each weight.
    """
    compact = io.BytesIO()
    with h5py.File(path) as old, h5py.File(compact, "w") as new:
        _copy(old, new)
    path.write_bytes(compact.getvalue())


def _copy(old: Any, new: Any) -> None:
    for name, value in old.attrs.items():
        new.attrs[name] = value
    for name, entry in old.items():
        if isinstance(entry, h5py.Group):
            _copy(entry, new.create_group(name))
            continue
        array = entry[()]
        if np.issubdtype(entry.dtype, np.floating):
            with np.errstate(over="ignore"):  # what no half float holds stays as it is
                half = array.astype("float16")
            array = half if np.array_equal(half.astype(array.dtype), array) else array
        packed: dict[str, Any] = {"compression": "gzip", "shuffle": True} if np.ndim(array) else {}
        copied = new.create_dataset(name, data=array, **packed)
        for attribute, value in entry.attrs.items():
            copied.attrs[attribute] = value
