"""Codecs whose strength is a quality."""

import dataclasses
from typing import Self

from keras_sandwich._arguments import check_integer
from keras_sandwich.codecs.codec import Codec


class QualityCodec(Codec):
    """A codec with a `quality` of which 100 is best. Its strength is 101 − quality."""

    quality: int

    @property
    def strength(self) -> float:
        return float(101 - self.quality)

    def with_strength(self, strength: float) -> Self:
        strength = check_integer(strength, "strength", 1, 101, ", which is 101 − quality")
        return dataclasses.replace(self, quality=101 - strength)  # type: ignore[type-var]

    @property
    def strengths(self) -> tuple[float, ...]:
        return tuple(float(101 - quality) for quality in range(100, -1, -1))
