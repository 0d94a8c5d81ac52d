"""What a file says that it holds where it is no picture to look at: a normal map, or a part of a material."""

import numpy as np

from keras_sandwich.files.networks import NORMAL_MAP_CHANNELS, Network
from keras_sandwich.models.material_scenarios import MATERIAL_FILES
from keras_sandwich.pictures.normal_maps import (
    CONVENTIONS,
    levels_to_normals,
    normals_to_picture,
)

NORMAL_MAP, MATERIAL = "normal-map", "material"


def content_of(network: Network, convention: str) -> str | None:
    """What a file of this network says that it holds; None for a picture."""
    return held(NORMAL_MAP, convention) if network.channels == NORMAL_MAP_CHANNELS else None


def held(kind: str, convention: str, number: int = 0) -> str:
    """What a file says that it holds, see `payload.HOLDS`; `number` of a material's files."""
    return (
        f"{kind} {number}/{len(MATERIAL_FILES)} {convention}" if number else f"{kind} {convention}"
    )


def normal_map_picture(restored: np.ndarray, holds: str | None) -> np.ndarray:
    """The normal map that was restored, uint8 [height, width, 3], in the convention that the file states."""
    convention = (holds or "").rpartition(" ")[2] or CONVENTIONS[0]
    return normals_to_picture(levels_to_normals(np.clip(restored, 0.0, 255.0)), convention)
