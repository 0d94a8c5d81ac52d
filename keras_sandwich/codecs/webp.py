"""WebP, as Pillow and libwebp write and read it."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from keras_sandwich._arguments import check_integer
from keras_sandwich.codecs.checks import check_data, check_image, check_sides
from keras_sandwich.codecs.header import Header, pillow_header
from keras_sandwich.codecs.libraries import pillow_load, pillow_save, pillow_version
from keras_sandwich.codecs.quality_codec import QualityCodec

# Empty chunks that say how many channels a picture has. Decoders skip chunks that they do not know.
MARKS = {1: b"GRAY" + bytes(4), 3: b"RGB " + bytes(4)}


@dataclass(frozen=True, kw_only=True)
class WebP(QualityCodec):
    """A lossy WebP codec: uint8 pictures to the bytes of a file, and back.

    WebP has 4:2:0 alone, of eight bits, in the narrow range of 219 levels, and no grayscale: a grayscale picture is
    coded as colour whose chroma is flat. A file with flat chroma decodes to one channel, the green. Where flat chroma
    is all that a quality leaves of a picture of three channels, its file says in 26 bytes that it has three.

    The strength, of which more is fewer bits, is 101 − quality: 1 to 101.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.WebP(quality=60)
    image = np.tile(np.arange(48, dtype="uint8"), (32, 1))[..., None]
    file = codec.encode(image)
    assert file[8:12] == b"WEBP" and codec.decode(file).shape == (32, 48, 1)
    ```

    Args:
        quality: 0 to 100, which is best.
        method: 0 to 6: how long the encoder looks for a smaller file.

    Raises:
        ValueError: a value out of its range.
        ImportError: Pillow is not installed.
    """

    quality: int = 75
    method: int = 4
    suffixes: ClassVar[tuple[str, ...]] = (".webp",)
    max_side: ClassVar[int] = 16383

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", check_integer(self.quality, "quality", 0, 100))
        object.__setattr__(self, "method", check_integer(self.method, "method", 0, 6))

    @property
    def name(self) -> str:
        return "WebP 4:2:0"

    @property
    def version(self) -> str:
        return pillow_version("WEBP", "libwebp", "webp")

    @property
    def carries_metadata(self) -> bool:
        return True

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        image = check_image(image)
        check_sides(image, "WebP", self.max_side)
        options: dict[str, Any] = {"quality": self.quality, "method": self.method}
        metadata = {"xmp": xmp, "icc_profile": icc_profile}
        options |= {name: value for name, value in metadata.items() if value}
        data = pillow_save(image, "WEBP", **options)
        return data if self.decode(data).shape == image.shape else _marked(data, image.shape)

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        pixels = pillow_load(data, "WEBP")
        marked = [channels for channels, mark in MARKS.items() if data.endswith(mark)]
        channels = marked[0] if marked else 1 if _flat_chroma(pixels) else 3
        return pixels if channels == 3 else pixels[..., 1:2]

    @classmethod
    def read_header(cls, data: bytes) -> Header:
        return pillow_header(data, "WEBP")


def _flat_chroma(pixels: np.ndarray) -> bool:
    # libwebp's integer arithmetic leaves the green of gray one level below now and then.
    red, green, blue = (pixels[..., channel].astype("int16") for channel in range(3))
    return bool(np.all(red == blue) and np.all((red - green) >> 1 == 0))


def _marked(data: bytes, shape: tuple[int, ...]) -> bytes:
    """The file with a mark, in the extended format, which alone may have chunks of others."""
    height, width, channels = shape
    chunks = data[12:]
    if chunks[:4] != b"VP8X":
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + size + chunks
    chunks = b"WEBP" + chunks + MARKS[channels]
    return b"RIFF" + len(chunks).to_bytes(4, "little") + chunks
