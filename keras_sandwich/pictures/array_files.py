"""Arrays in NumPy's files, without what they could execute."""

import os
from pathlib import Path

import numpy as np


def read_array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array of an .npy file, or the only one of an .npz; ValueError for several, or for pickled objects."""
    try:
        with open(Path(path), "rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            names = list(found)
            if len(names) == 1:
                return np.asarray(found[names[0]])
    except (OSError, MemoryError):
        raise
    except Exception as error:  # NumPy and zipfile raise whatever they stumble over
        raise ValueError(f"it is no file of NumPy's, or damaged: {error}") from error
    raise ValueError(
        f"it holds {len(names)} arrays, {', '.join(sorted(names)[:5])}, and one is expected; save that one alone"
    )
