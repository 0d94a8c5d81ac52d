"""HEIC, as pillow-heif with x265 and libde265 writes and reads it."""

import io
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from keras_sandwich._arguments import check_integer, require_option
from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import (
    as_plane,
    check_bits,
    check_data,
    check_depth,
    check_image,
    check_size,
    with_channels,
)
from keras_sandwich.codecs.header import Header, found_metadata
from keras_sandwich.codecs.libraries import damage_in_words, refusal_in_words
from keras_sandwich.codecs.quality_codec import QualityCodec
from keras_sandwich.codecs.subsampling import BT601, IDENTITY, check_subsampling, format_name

PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
SLENDER = "x265 takes more than 4208 pixels along one side only if the other has at least 32. "
TUNES = ("psnr", "ssim", "grain", "fastdecode")


@dataclass(frozen=True, kw_only=True)
class HEIC(QualityCodec):
    """A HEIC codec, which is HEVC of a single picture: pictures of 8, 10 or 12 bits to the bytes of a file, and back.

    Grayscale is real 4:0:0. The strength, of which more is fewer bits, is 101 − quality: 1 to 101.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.HEIC(quality=60, bits=10)
    image = np.tile(np.arange(0, 960, 20, dtype="uint16"), (32, 1))[..., None]
    file = codec.encode(image)
    assert file[4:8] == b"ftyp" and codec.decode(file).shape == (32, 48, 1)
    ```

    Args:
        quality: 0 to 100, which is best. x265 gets the rate factor (100 − quality) // 2: an odd quality is the even
            one above it.
        chroma_subsampling: of colour pictures: "4:4:4", "4:2:2" or "4:2:0".
        bits: 8, 10 or 12.
        color_transform: code Y, Cb and Cr; False codes R, G and B, under 4:4:4 only.
        preset: how long x265 looks for a smaller file, from "ultrafast" to "placebo".
        tune: what x265 tunes itself for: "psnr", "ssim", "grain" or "fastdecode".

    Raises:
        ValueError: a value out of its range.
        ImportError: pillow-heif is not installed.
    """

    quality: int = 50
    chroma_subsampling: str = "4:4:4"
    bits: int = 8
    color_transform: bool = True
    preset: str = "slow"
    tune: str = "ssim"
    suffixes: ClassVar[tuple[str, ...]] = (".heic", ".heif")

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", check_integer(self.quality, "quality", 0, 100))
        object.__setattr__(self, "bits", check_depth(self.bits, (8, 10, 12)))
        check_subsampling(self.chroma_subsampling, self.color_transform)
        require_option(self.preset, PRESETS, "preset")
        require_option(self.tune, TUNES, "tune")

    @property
    def name(self) -> str:
        return format_name("HEIC", self.chroma_subsampling, self.color_transform, self.bits)

    @property
    def version(self) -> str:
        library = _pillow_heif()
        info = library.libheif_info()
        coders = {**info["encoders"], **info["decoders"]}
        used = (coders.get("x265", "no encoder"), coders.get("libde265", "no decoder"))
        return f"pillow-heif {library.__version__}, libheif {info['libheif']}, {', '.join(used)}"

    @property
    def strengths(self) -> tuple[float, ...]:
        return super().strengths[::2]

    @property
    def carries_metadata(self) -> bool:
        return True

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        image = check_image(image, self.bits)
        mode = "L" if image.shape[-1] == 1 else "RGB"
        options: dict[str, Any] = {
            "quality": self.quality,
            "chroma": int(self.chroma_subsampling.replace(":", "")),
            "enc_params": {"preset": self.preset, "tune": self.tune},
            "color_primaries": 1,
            "transfer_characteristics": 13,
            "matrix_coefficients": BT601 if self.color_transform else IDENTITY,
            "full_range_flag": 1,
        }
        if self.bits > 8:
            mode = f"{mode};16"
            image = image << (16 - self.bits)
            options["bit_depth"] = self.bits
        if xmp:
            # As a block of its own: given as `xmp`, an orientation in it would turn the picture.
            block = {"type": "mime", "content_type": "application/rdf+xml", "data": xmp}
            options["metadata"] = [block]
        if icc_profile:
            options["icc_profile"] = icc_profile
        library, buffer = _pillow_heif(), io.BytesIO()
        size = (image.shape[1], image.shape[0])
        samples = as_plane(image).astype(image.dtype.newbyteorder("<")).tobytes()
        with refusal_in_words("HEIC", image, SLENDER if _is_slender(size) else ""):
            library.encode(mode, size, samples, buffer, **options)
        return buffer.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        library = _pillow_heif()
        with damage_in_words("HEIC"):
            if data[4:8] != b"ftyp":
                raise ValueError("Not a HEIC file: it does not begin as one.")
            picture = library.open_heif(
                io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False
            )
            check_size(*picture.size)
            check_bits(picture.info["bit_depth"], self.bits)
            if picture.mode.partition(";")[0] not in ("L", "I", "RGB"):
                raise ValueError(
                    f"Expected a grayscale or RGB HEIC. Received one of mode {picture.mode!r}."
                )
            return with_channels(np.array(picture))

    @classmethod
    def read_header(cls, data: bytes) -> Header:
        with damage_in_words("HEIC"):
            picture = _pillow_heif().open_heif(io.BytesIO(data))
            width, height = picture.size
            return Header((height, width), *found_metadata(picture.info))


def _is_slender(size: tuple[int, int]) -> bool:
    return min(size) < 32 and max(size) > 4208


def _pillow_heif() -> Any:
    return import_library("pillow_heif", "HEIC", "heic")
