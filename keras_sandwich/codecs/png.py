"""PNG: every bit of a picture, to check a chain with."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

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
from keras_sandwich.codecs.libraries import (
    damage_in_words,
    imagecodecs,
    imagecodecs_version,
    pillow_load,
    pillow_save,
    pillow_version,
    refusal_in_words,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


@dataclass(frozen=True, kw_only=True)
class PNG(Codec):
    """A lossless PNG codec: what comes out is what went in. It has no strength, as there is nothing to set.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.PNG()
    image = np.tile(np.arange(48, dtype="uint8"), (32, 1))[..., None]
    assert np.array_equal(codec.decode(codec.encode(image)), image)
    ```

    Args:
        bits: 8, or 16 with the `jpegxl` extra: Pillow keeps 8 bits of colour.

    Raises:
        ValueError: a value out of its range.
        ImportError: Pillow, or for 16 bits imagecodecs, is not installed.
    """

    bits: int = 8
    suffixes: ClassVar[tuple[str, ...]] = (".png",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", check_depth(self.bits, (8, 16)))

    @property
    def name(self) -> str:
        return "PNG" if self.bits == 8 else "PNG, 16 bits"

    @property
    def version(self) -> str:
        if self.bits == 8:
            return pillow_version("PNG", "zlib", "zlib")
        return imagecodecs_version(self.name, "png")

    @property
    def strength(self) -> float:
        raise ValueError("PNG is lossless and has no strength: it writes one file of a picture.")

    def with_strength(self, strength: float) -> Self:
        raise ValueError(
            f"PNG is lossless and has no strength. Received strength={strength}; take a lossy codec."
        )

    @property
    def strengths(self) -> tuple[float, ...]:
        return ()

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        self.refuse_metadata(xmp, icc_profile)
        image = check_image(image, self.bits)
        if self.bits == 8:
            return pillow_save(image, "PNG", optimize=True)
        library = imagecodecs(self.name)
        with refusal_in_words("PNG", image):
            return bytes(library.png_encode(as_plane(image), 9))

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        if data[:16] != SIGNATURE or len(data) < 26:
            raise ValueError("Not a PNG file: it does not begin as one.")
        # Pillow would give 16 bits of colour as 8, and 2 bits of gray as 8, silently.
        check_bits(data[24], self.bits)
        if data[25] not in (0, 2):
            raise ValueError(f"Expected a grayscale or RGB PNG. Received colour type {data[25]}.")
        if self.bits == 8:
            return pillow_load(data, "PNG")
        check_size(int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
        library = imagecodecs(self.name)
        with damage_in_words("PNG"):
            pixels = with_channels(library.png_decode(data))
        if pixels.shape[-1] not in (
            1,
            3,
        ):  # imagecodecs makes an alpha channel of a transparent colour
            raise ValueError(
                f"Expected a grayscale or RGB PNG. Received {pixels.shape[-1]} channels, as the file "
                "names a transparent colour; save it without."
            )
        return pixels
