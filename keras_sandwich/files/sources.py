"""What is read to be coded: a picture, a depth map or radiance, as the samples of a network."""

from pathlib import Path
from typing import Any

from keras_sandwich.depth import load_depth
from keras_sandwich.files.networks import MAX_TRUNCATE_BITS, Network
from keras_sandwich.files.stated_values import StatedValues
from keras_sandwich.pictures import Picture, load_radiance, read_picture

RADIANCE = (".hdr", ".pic", ".exr")


def read_source(
    path: Path, network: Network, background: Any = None
) -> tuple[Picture, StatedValues | None]:
    """The samples for a network, and what they mean where they are no picture's.

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
    return read_picture(path, network.channels, network.num_truncate_bits, background), None
