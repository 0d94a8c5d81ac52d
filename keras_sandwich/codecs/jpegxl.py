"""JPEG XL, as imagecodecs and libjxl write and read it."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from keras_sandwich._arguments import check_integer, check_number
from keras_sandwich.codecs.checks import (
    as_plane,
    check_bits,
    check_data,
    check_depth,
    check_image,
    check_size,
    with_channels,
)
from keras_sandwich.codecs.codec import Codec
from keras_sandwich.codecs.jpegxl_header import read_header
from keras_sandwich.codecs.libraries import (
    damage_in_words,
    imagecodecs,
    imagecodecs_version,
    refusal_in_words,
)


@dataclass(frozen=True, kw_only=True)
class JPEGXL(Codec):
    """A JPEG XL codec: pictures of 8 to 16 bits to the bytes of a file, and back.

    Lossy files hold XYB, a colour space of the eye's, of grayscale pictures too. Of more than eight bits they hold
    linear light in floating point, as imagecodecs would declare integers linear that are not: rate and quality are then
    those of eight bits, and viewers show the right colours. Lossless files of more than eight bits hold the integers,
    which viewers show too bright for that reason.

    The strength, of which more is fewer bits, is the distance, 0.01 to 25; lossless files have none.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.JPEGXL(lossless=True, bits=12)
    image = np.arange(64 * 64, dtype="uint16").reshape(64, 64, 1)
    assert np.array_equal(codec.decode(codec.encode(image)), image)
    ```

    Args:
        distance: Butteraugli distance, 0.01 to 25; at 1 a viewer begins to see a difference.
        lossless: every bit.
        bits: 8, 10, 12 or 16.
        effort: 1 to 9: how long the encoder looks for a smaller file.

    Raises:
        ValueError: a value out of its range, or a distance of a lossless codec.
        ImportError: imagecodecs is not installed.
    """

    distance: float | None = None
    lossless: bool = False
    bits: int = 8
    effort: int = 7
    suffixes: ClassVar[tuple[str, ...]] = (".jxl",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", check_depth(self.bits, (8, 10, 12, 16)))
        object.__setattr__(self, "effort", check_integer(self.effort, "effort", 1, 9))
        if self.lossless and self.distance is not None:
            raise ValueError(
                f"Give one of distance and lossless. Received distance={self.distance}."
            )
        if not self.lossless:
            distance = 1.0 if self.distance is None else self.distance
            object.__setattr__(self, "distance", check_number(distance, "distance", 0.01, 25))

    @property
    def name(self) -> str:
        lossless = ", lossless" if self.lossless else ""
        return f"JPEG XL{lossless}" + ("" if self.bits == 8 else f", {self.bits} bits")

    @property
    def version(self) -> str:
        return imagecodecs_version("JPEG XL", "jpegxl")

    @property
    def strength(self) -> float:
        return self._lossy_distance()

    def with_strength(self, strength: float) -> Self:
        self._lossy_distance()
        distance = check_number(strength, "strength", 0.01, 25, ", which is the distance")
        return replace(self, distance=distance)

    @property
    def strengths(self) -> tuple[float, ...]:
        if self.lossless:
            return ()
        return (*(round(0.05 * 2 ** (exponent / 4), 3) for exponent in range(36)), 25.0)

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        self.refuse_metadata(xmp, icc_profile)
        image = check_image(image, self.bits)
        library = imagecodecs("JPEG XL")
        options: dict[str, Any] = {"effort": self.effort, "numthreads": 1}
        if self.lossless:
            samples, options = image, {**options, "lossless": True, "bitspersample": self.bits}
        else:
            samples = image if self.bits == 8 else _to_linear(image, self.bits)
            options["distance"] = self.distance
        with refusal_in_words("JPEG XL", image):
            return bytes(library.jpegxl_encode(as_plane(samples), **options))

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        header = read_header(data)
        check_size(header.width, header.height)
        floating = header.floating and self.bits > 8
        if not floating:
            check_bits(header.bits, self.bits)
        library = imagecodecs("JPEG XL")
        with damage_in_words("JPEG XL"):
            pixels = with_channels(np.asarray(library.jpegxl_decode(data, numthreads=1)))
        if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3):
            raise ValueError(
                f"Expected one grayscale or RGB picture. Received an array of shape {pixels.shape}."
            )
        return from_linear(pixels, self.bits) if floating else pixels

    def _lossy_distance(self) -> float:
        if self.distance is None:
            raise ValueError("Lossless JPEG XL has no strength. Give `distance` instead.")
        return self.distance


def _to_linear(samples: np.ndarray, bits: int) -> np.ndarray:
    """Linear light of samples, by the transfer function of sRGB (IEC 61966-2-1)."""
    values = samples / (2.0**bits - 1)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear.astype("float32")


def from_linear(linear: np.ndarray, bits: int) -> np.ndarray:
    """The inverse of `_to_linear`, to the nearest integer."""
    light = np.clip(np.nan_to_num(linear.astype("float64")), 0.0, 1.0)
    values = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(values * (2.0**bits - 1)).astype("uint16")
