"""AVIF, as Pillow writes and reads it; more than eight bits and RGB as imagecodecs does."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from keras_sandwich._arguments import check_integer
from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import (
    check_bits,
    check_data,
    check_depth,
    check_image,
    check_sides,
    check_size,
    with_channels,
)
from keras_sandwich.codecs.header import Header, pillow_header
from keras_sandwich.codecs.libraries import (
    damage_in_words,
    imagecodecs,
    imagecodecs_version,
    pillow_load,
    pillow_open,
    pillow_save,
    pillow_version,
    refusal_in_words,
)
from keras_sandwich.codecs.quality_codec import QualityCodec
from keras_sandwich.codecs.subsampling import (
    BT601,
    FCC,
    IDENTITY,
    check_subsampling,
    format_name,
)

LOSSLESS = 100  # the quality of which imagecodecs makes lossless files


@dataclass(frozen=True, kw_only=True)
class AVIF(QualityCodec):
    """An AVIF codec, which is AV1 of a single picture: pictures of 8, 10 or 12 bits to the bytes of a file, and back.

    Pillow does the work for eight bits, grayscale is real 4:0:0 there, and metadata can be written. More bits, and R, G
    and B without a colour transform, are imagecodecs' (the `jpegxl` extra): without metadata, lossless at quality 100,
    and with grayscale as 4:2:0 whose chroma is flat, as imagecodecs has no lossy 4:0:0.

    The strength, of which more is fewer bits, is 101 − quality: 1 to 101.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.AVIF(quality=60)
    image = np.tile(np.arange(48, dtype="uint8"), (32, 1))[..., None]
    file = codec.encode(image)
    assert file[4:12] == b"ftypavif" and codec.decode(file).shape == (32, 48, 1)
    ```

    Args:
        quality: 0 to 100, which is best. AV1 has 64 quantizers: of two neighbours one may be the other's file.
        chroma_subsampling: of colour pictures: "4:4:4", "4:2:2" or "4:2:0".
        bits: 8, 10 or 12.
        color_transform: code Y, Cb and Cr; False codes R, G and B, under 4:4:4 only.
        speed: 0 to 10: smaller looks longer for a smaller file.

    Raises:
        ValueError: a value out of its range.
        ImportError: Pillow with AVIF (11.3 or later), or imagecodecs, is not installed.
    """

    quality: int = 60
    chroma_subsampling: str = "4:4:4"
    bits: int = 8
    color_transform: bool = True
    speed: int = 6
    suffixes: ClassVar[tuple[str, ...]] = (".avif",)
    max_side: ClassVar[int] = 32768  # libavif writes up to 65536, and reads none of them

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", check_integer(self.quality, "quality", 0, 100))
        object.__setattr__(self, "speed", check_integer(self.speed, "speed", 0, 10))
        object.__setattr__(self, "bits", check_depth(self.bits, (8, 10, 12)))
        check_subsampling(self.chroma_subsampling, self.color_transform)

    @property
    def name(self) -> str:
        return format_name("AVIF", self.chroma_subsampling, self.color_transform, self.bits)

    @property
    def version(self) -> str:
        if self.carries_metadata:
            _require_avif()
            return f"{pillow_version('AVIF', 'libavif', 'avif')}, {_coder_versions()}"
        return imagecodecs_version(self.name, "avif")

    @property
    def carries_metadata(self) -> bool:
        return self.bits == 8 and self.color_transform

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        image = check_image(image, self.bits)
        check_sides(image, "AVIF", self.max_side)
        if not self.carries_metadata:
            self.refuse_metadata(xmp, icc_profile)
            return self._encode_with_imagecodecs(image)
        _require_avif()
        metadata: dict[str, Any] = {"xmp": xmp, "icc_profile": icc_profile}
        return pillow_save(
            image,
            "AVIF",
            quality=self.quality,
            speed=self.speed,
            subsampling=self.chroma_subsampling if image.shape[-1] == 3 else "4:0:0",
            codec=_encoder(),
            max_threads=1,  # more of them cut the picture into tiles, and change the file
            **{name: value for name, value in metadata.items() if value},
        )

    def _encode_with_imagecodecs(self, image: np.ndarray) -> bytes:
        subsampling = self.chroma_subsampling
        matrix = BT601 if self.color_transform else IDENTITY
        if image.shape[-1] == 1:
            if self.quality == LOSSLESS:
                image = image[..., 0]
            else:
                # A matrix that nobody uses says that it was gray. For flat chroma each means the same.
                image, subsampling, matrix = np.repeat(image, 3, axis=-1), "4:2:0", FCC
        library = imagecodecs(self.name)
        with refusal_in_words("AVIF", image):
            file = library.avif_encode(
                image,
                self.quality,
                speed=self.speed,
                bitspersample=self.bits,
                pixelformat=f"yuv{subsampling.replace(':', '')}",
                codec=library.AVIF.CODEC_CHOICE.AOM,
                matrix=matrix,
                numthreads=1,
            )
        return bytes(file)

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        _require_avif()
        bits, monochrome, matrix = _read_header(data)
        check_bits(bits, self.bits)
        if bits == 8:
            pixels = pillow_load(data, "AVIF")
        else:
            library = imagecodecs(self.name)
            with pillow_open(data, "AVIF"), damage_in_words("AVIF"):
                pixels = with_channels(library.avif_decode(data, 0, numthreads=1))
        if pixels.shape[-1] not in (1, 3):
            raise ValueError(
                f"Expected a grayscale or RGB AVIF. Received {pixels.shape[-1]} channels."
            )
        gray = pixels.shape[-1] == 3 and (monochrome or matrix == FCC)
        return pixels[..., 1:2] if gray else pixels

    @classmethod
    def read_header(cls, data: bytes) -> Header:
        return pillow_header(data, "AVIF")


def _read_header(data: bytes) -> tuple[int, bool, int | None]:
    """Bits of a sample, whether it is monochrome, and the matrix coefficients, from the boxes of the file."""
    configuration = data.find(b"av1C")
    if data[4:8] != b"ftyp" or not 0 <= configuration <= len(data) - 8:
        raise ValueError("Not an AVIF file: no AV1 picture in it.")
    extents = data.find(b"ispe")
    if 0 <= extents <= len(data) - 16:
        sides = data[extents + 8 : extents + 16]
        check_size(int.from_bytes(sides[:4]), int.from_bytes(sides[4:]))
    flags = data[configuration + 6]
    bits = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    colour = data.find(b"colrnclx")
    matrix = data[colour + 12 : colour + 14] if colour >= 0 else b""
    return bits, bool(flags & 0x10), int.from_bytes(matrix) if len(matrix) == 2 else None


def _encoder() -> str:
    """libaom by its name, so that no other encoder of the same Pillow writes other files."""
    return "aom" if import_library("PIL._avif", "AVIF").encoder_codec_available("aom") else "auto"


def _coder_versions() -> str:
    """Such as "aom 3.14.1, dav1d 1.5.3": what encodes, and what decodes."""
    versions = import_library("PIL._avif", "AVIF").codec_versions()
    return ", ".join(sorted(re.sub(r" \[[^]]*\]:", " ", coder) for coder in versions.split(", ")))


def _require_avif() -> None:
    features = import_library("PIL.features", "AVIF")
    if "avif" not in features.get_supported_modules():
        raise ImportError(
            "AVIF files need a Pillow with AVIF, which wheels of 11.3 and later have: "
            'pip install "keras-sandwich[codecs]" "Pillow>=11.3".'
        )
