"""JPEG 2000, as Pillow and OpenJPEG write and read it; more than eight bits as imagecodecs does."""

import struct
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from keras_sandwich._arguments import check_number
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

START = b"\xff\x4f\xff\x51"  # markers SOC and SIZ of T.800 Annex A
END = b"\xff\xd9"  # EOC


@dataclass(frozen=True, kw_only=True)
class JPEG2000(Codec):
    """A JPEG 2000 codec: pictures of 8 to 16 bits to the bytes of a file, and back.

    One of `ratio`, `psnr` and `lossless` says how much is kept; none means a ratio of 16 for eight bits, a PSNR of 40
    for more. The strength, of which more is fewer bits, is the ratio, 1 to 1000, or 101 − psnr, 1 to 91; lossless files
    have none. A ratio spends the same bits on every picture, a PSNR what each of them needs. Pillow does the work for
    eight bits, imagecodecs (the `jpegxl` extra), which knows no ratio, for more. Grayscale is a single component.

    OpenJPEG only estimates a PSNR, and for plain pictures, of one colour or one row, it can be wrong by forty dB. So
    files of a `psnr` are decoded and measured: where the squared error is more than twice what was asked for, and one
    level, they are written anew with 6 dB more, until it is not.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.JPEG2000(ratio=20)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype="uint8")
    assert len(codec.encode(image)) <= image.size / 20 + 100
    ```

    Args:
        ratio: how many times smaller than its samples the codestream is, 1 to 1000; for eight bits only.
        psnr: the dB of the coded components, 10 to 100.
        lossless: the reversible wavelet, and every bit of it.
        bits: 8, 10, 12 or 16.
        color_transform: code Y, Cb and Cr; False codes R, G and B.

    Raises:
        ValueError: more than one measure, or a value out of its range.
        ImportError: Pillow, or for more than 8 bits imagecodecs, is not installed.
    """

    ratio: float | None = None
    psnr: float | None = None
    lossless: bool = False
    bits: int = 8
    color_transform: bool = True
    suffixes: ClassVar[tuple[str, ...]] = (".jp2",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", check_depth(self.bits, (8, 10, 12, 16)))
        given = [name for name in ("ratio", "psnr") if getattr(self, name) is not None]
        given += ["lossless"] if self.lossless else []
        if len(given) > 1:
            raise ValueError(f"Give one of ratio, psnr and lossless. Received {given}.")
        if self.ratio is not None and self.bits > 8:
            raise ValueError(
                f"`ratio` is for 8 bits. Received ratio={self.ratio}, bits={self.bits}; give `psnr`."
            )
        if not given:
            measure, value = ("ratio", 16.0) if self.bits == 8 else ("psnr", 40.0)
            object.__setattr__(self, measure, value)
        for name, low, high in (("ratio", 1, 1000), ("psnr", 10, 100)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_number(value, name, low, high))

    @property
    def name(self) -> str:
        transform = "" if self.color_transform else " RGB"
        lossless = ", lossless" if self.lossless else ""
        return f"JPEG 2000{transform}{lossless}" + ("" if self.bits == 8 else f", {self.bits} bits")

    @property
    def version(self) -> str:
        if self.bits == 8:
            return pillow_version("JPEG2000", "OpenJPEG", "jpg_2000")
        return imagecodecs_version(self.name, "jpeg2k")

    @property
    def strength(self) -> float:
        self._require_lossy()
        return self.ratio if self.ratio is not None else 101 - (self.psnr or 0)

    def with_strength(self, strength: float) -> Self:
        self._require_lossy()
        if self.ratio is not None:
            ratio = check_number(strength, "strength", 1, 1000, ", which is the ratio")
            return replace(self, ratio=ratio)
        strength = check_number(strength, "strength", 1, 91, ", which is 101 − psnr")
        return replace(self, psnr=101 - strength)

    @property
    def strengths(self) -> tuple[float, ...]:
        if self.lossless:
            return ()
        if self.ratio is not None:
            return tuple(round(2 ** (exponent / 4), 2) for exponent in range(4, 33))
        best = 6 * self.bits + 4  # dB: beyond, rounding to integers is what is left
        return tuple(101 - psnr / 2 for psnr in range(min(2 * best, 200), 35, -1))

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        self.refuse_metadata(xmp, icc_profile)
        image = check_image(image, self.bits)
        if self.psnr is None:
            return self._write(image, None)
        allowed = 2 * (2**self.bits - 1) ** 2 / 10 ** (self.psnr / 10) + 1
        file = b""
        for psnr in (*np.arange(self.psnr, 100, 6.0).tolist(), 100.0, None):
            file = self._write(image, psnr)
            if np.mean((self.decode(file).astype("float64") - image) ** 2) <= allowed:
                break
        return file

    def _write(self, image: np.ndarray, psnr: float | None) -> bytes:
        """The file of that PSNR, as OpenJPEG estimates it; None: of the ratio, or all that the wavelet gives."""
        if self.bits == 8:
            mode, layers = ("dB", [psnr]) if psnr is not None else ("rates", [self.ratio or 0])
            options: dict[str, Any] = {"quality_mode": mode, "quality_layers": layers}
            if self.lossless:
                options = {}
            colour = image.shape[-1] == 3 and self.color_transform
            options |= {"irreversible": not self.lossless, "mct": int(colour)}
            return pillow_save(image, "JPEG2000", **options)
        library = imagecodecs(self.name)
        with refusal_in_words("JPEG 2000", image):
            file = library.jpeg2k_encode(
                as_plane(image),
                psnr,
                codecformat="jp2",
                bitspersample=self.bits,
                reversible=self.lossless,
                mct=self.color_transform,
                numthreads=1,
            )
        return bytes(file)

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        bits = _read_header(data)
        check_bits(bits, self.bits)
        if bits == 8:
            return pillow_load(data, "JPEG2000")
        library = imagecodecs(self.name)
        with damage_in_words("JPEG 2000"):
            return with_channels(library.jpeg2k_decode(data, numthreads=1))

    def _require_lossy(self) -> None:
        if self.lossless:
            raise ValueError("Lossless JPEG 2000 has no strength. Give `ratio` or `psnr` instead.")


def _read_header(data: bytes) -> int:
    """The bits of a sample, from the marker segment SIZ of T.800 Annex A.5.1; ValueError if the file is cut short."""
    start = data.find(START)
    if start < 0 or len(data) < start + 42:
        raise ValueError("Not a JPEG 2000 file: no codestream in it.")
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    check_size(right - left, bottom - top)
    (components,) = struct.unpack_from(">H", data, start + 40)
    described = data[start + 42 : start + 42 + 3 * components]
    if components not in (1, 3) or described != described[:3] * components:
        raise ValueError(
            f"Expected a grayscale or RGB JPEG 2000, all alike. Received {components} components."
        )
    depth, *steps = described[:3]
    if depth > 15 or steps != [1, 1]:
        raise ValueError("Expected unsigned components of up to 16 bits at full size.")
    boxed = data[start - 4 : start] == b"jp2c"
    length = int.from_bytes(data[start - 8 : start - 4]) if boxed else 0
    end = start - 8 + length if length else len(data)  # 0: to the end of the file
    if end > len(data) or data[end - 2 : end] != END:
        # OpenJPEG decodes what is left of a file, and tells only the console.
        raise ValueError("The JPEG 2000 file is cut short: its codestream has no end.")
    return depth + 1
