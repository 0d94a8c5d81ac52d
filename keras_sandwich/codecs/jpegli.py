"""JPEG as jpegli writes it: Google's encoder for the eye, whose files every JPEG decoder reads."""

import importlib.metadata
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keras_sandwich._arguments import check_integer
from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import check_data, check_image, check_sides
from keras_sandwich.codecs.jpeg import JPEG
from keras_sandwich.codecs.libraries import pillow_load, pillow_version, refusal_in_words
from keras_sandwich.codecs.quality_codec import QualityCodec


@dataclass(frozen=True, kw_only=True)
class Jpegli(QualityCodec):
    r"""JPEG files of colour pictures as jpegli writes them, with tables and an adaptive quantization of its own.

    pyjpegli (the `jpegli` extra) does the work: 4:2:0 and colour alone, without metadata. Pillow reads the files, as
    `JPEG` does.

    The strength, of which more is fewer bits, is 101 − quality: 1 to 100.

    Example:

    ```python
    import importlib.util

    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.Jpegli(quality=60)
    if importlib.util.find_spec("pyjpegli"):
        image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype="uint8")
        file = codec.encode(image)
        assert file[:2] == b"\xff\xd8" and codec.decode(file).shape == (32, 48, 3)
    ```

    Args:
        quality: 1 to 100, which is best; on the scale of libjpeg's, about.

    Raises:
        ValueError: a quality out of its range, or a grayscale picture.
        ImportError: pyjpegli is not installed.
    """

    quality: int = 75
    suffixes: ClassVar[tuple[str, ...]] = JPEG.suffixes
    max_side: ClassVar[int] = JPEG.max_side

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", check_integer(self.quality, "quality", 1, 100))

    @property
    def name(self) -> str:
        return "JPEG 4:2:0, jpegli"

    @property
    def version(self) -> str:
        import_library("pyjpegli", "Jpegli", "jpegli")
        written = f"pyjpegli {importlib.metadata.version('pyjpegli')}"
        return f"{written}; read by {pillow_version('JPEG', 'libjpeg-turbo', 'libjpeg_turbo')}"

    @property
    def strengths(self) -> tuple[float, ...]:
        return tuple(float(strength) for strength in range(1, 101))

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        self.refuse_metadata(xmp, icc_profile)
        library = import_library("pyjpegli", "Jpegli", "jpegli")
        image = check_image(image)
        check_sides(image, "JPEG", self.max_side)
        height, width, channels = image.shape
        if channels != 3:
            raise ValueError(
                "jpegli writes pictures of three channels here. Received one channel; take codecs.JPEG."
            )
        with refusal_in_words("JPEG", image):
            return bytes(library.encode(image, width, height, quality=self.quality))

    def decode(self, data: bytes) -> np.ndarray:
        return pillow_load(check_data(data), "JPEG")
