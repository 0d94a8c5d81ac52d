"""How far a network sees, and on which grid it works: what a tile must have around it."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple


class ReceptiveField(NamedTuple):
    """An output pixel depends on the pixels within `radius`, and on positions modulo `alignment`."""

    radius: int
    alignment: int


POINTWISE = ReceptiveField(0, 1)


def patches(radius: int, patch_size: int) -> int:
    """A radius in patches, in pixels: from any pixel of the first patch to any of the last."""
    return radius * patch_size + patch_size - 1


def unet_radius(poolings: int, convolutions_per_block: int, bottom_blocks: int) -> int:
    """The radius of a U-Net in its own samples.

    Follows the rows that a row of the result depends on down to the picture, exactly: every convolution takes a row
    more on both sides, pooled row j is row 2j + 1, and doubled row i is made of the rows (i − 1)//2 and the next.
    """

    def encoder(level: int, low: int, high: int) -> tuple[int, int]:
        """From the rows of an encoder block's result to those of the picture."""
        low, high = low - convolutions_per_block, high + convolutions_per_block
        return (low, high) if level == 0 else pooled(level, low, high)

    def pooled(level: int, low: int, high: int) -> tuple[int, int]:
        if level == 0:
            return low, high
        return encoder(level - 1, 2 * low + 1, 2 * high + 1)

    def decoder(level: int, low: int, high: int) -> tuple[int, int]:
        """From the rows of what a level's decoder block returns to those of the picture."""
        blocks = bottom_blocks if level == poolings else 1
        low, high = low - blocks * convolutions_per_block, high + blocks * convolutions_per_block
        if level == poolings:
            return pooled(level, low, high)
        skip = encoder(level, low, high)
        below = decoder(level + 1, (low - 1) // 2, (high - 1) // 2 + 1)
        return min(skip[0], below[0]), max(skip[1], below[1])

    radius = 0
    for row in range(2**poolings):
        low, high = decoder(0, row - 1, row + 1)  # the last convolution
        radius = max(radius, row - low, high - row)
    return radius


def joint_receptive_field(*layers: Any) -> ReceptiveField | None:
    """The receptive field of layers that are given the same picture; None if one of them does not say its own."""
    radius, alignment = POINTWISE
    for layer in layers:
        if layer is None:
            continue
        own = getattr(layer, "receptive_radius", None)
        if own is None:
            return None
        radius = max(radius, int(own))
        alignment = math.lcm(alignment, int(getattr(layer, "alignment", 1)))
    return ReceptiveField(radius, alignment)


def in_sequence(fields: Sequence[ReceptiveField | None]) -> ReceptiveField | None:
    """The receptive field of layers one after the other; None if that of one is not known."""
    known = [field for field in fields if field is not None]
    if len(known) < len(fields):
        return None
    alignment = math.lcm(*(field.alignment for field in known))
    return ReceptiveField(sum(field.radius for field in known), alignment)
