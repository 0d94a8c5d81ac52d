"""What is read to be coded: a picture, a depth map, radiance or a normal map, as the samples of a network."""

from pathlib import Path
from typing import Any

from keras_sandwich.depth import load_depth
from keras_sandwich.files.networks import MAX_TRUNCATE_BITS, NORMAL_MAP_CHANNELS, Network
from keras_sandwich.files.stated_values import StatedValues
from keras_sandwich.pictures import (
    Picture,
    load_radiance,
    normals_to_levels,
    read_normal_map,
    read_picture,
)
from keras_sandwich.pictures.normal_maps import CONVENTIONS

RADIANCE = (".hdr", ".pic", ".exr")


def read_source(
    path: Path, network: Network, background: Any = None, convention: str = CONVENTIONS[0]
) -> tuple[Picture, StatedValues | None]:
    """The samples for a network, and what they mean where the file must say it. `convention` is of normal maps.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is none that the network can restore.
    """
    peak = 255.0 * 2.0**network.num_truncate_bits
    if network.for_depth:
        values, filled = StatedValues.of_depth(load_depth(path))
        return Picture(values.to_samples(filled, peak), None), values
    if path.suffix.lower() in RADIANCE:
        if network.num_truncate_bits < MAX_TRUNCATE_BITS or network.channels != 3:
            raise ValueError(
                'Radiance is coded by a model for colours of 16 bits, such as the preset "high_bit_depth". '
                f"Received one of {8 + network.num_truncate_bits} bits and {network.channels} channel(s) "
                f"for {str(path)!r}."
            )
        radiance = load_radiance(path)
        values = StatedValues.of_radiance(radiance)
        return Picture(values.to_samples(radiance, peak), None), values
    if network.channels == NORMAL_MAP_CHANNELS:
        return Picture(normals_to_levels(read_normal_map(path, convention)), None), None
    return read_picture(path, network.channels, network.num_truncate_bits, background), None
