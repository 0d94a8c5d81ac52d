"""JPEG, as Pillow and libjpeg write and read it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from keras_sandwich._arguments import check_integer
from keras_sandwich.codecs.checks import check_data, check_image, check_sides
from keras_sandwich.codecs.codec import Codec
from keras_sandwich.codecs.header import Header, pillow_header
from keras_sandwich.codecs.jpeg_segments import MAX_PROFILE, read_segments, xmp_segment
from keras_sandwich.codecs.libraries import pillow, pillow_load, pillow_save, pillow_version
from keras_sandwich.codecs.subsampling import check_subsampling, format_name


@dataclass(frozen=True, kw_only=True)
class JPEG(Codec):
    r"""A baseline JPEG codec: uint8 pictures to the bytes of a file, and back.

    Exactly one of `qstep`, `quality` and `tables` sets the quantization; none means a flat step of 8. The strength, of
    which more is fewer bits, is the step, 1 to 255, or 101 − quality, 1 to 100; tables have none.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.JPEG(qstep=16)
    image = np.tile(np.arange(48, dtype="uint8"), (32, 1))[..., None]
    file = codec.encode(image)
    assert file[:2] == b"\xff\xd8" and codec.decode(file).shape == (32, 48, 1)
    ```

    Args:
        qstep: a flat table of this integer step, 1 to 255.
        quality: 1 to 100, the tables of T.81 Annex K scaled as libjpeg does.
        tables: one 8×8 table of integers 1 to 255 in raster order, or two: for luma and for chroma.
        chroma_subsampling: of colour pictures: "4:4:4", "4:2:2" or "4:2:0".
        optimize: write Huffman tables made for the picture, unless that takes more than 16 bits a pixel.
        progressive: write a progressive file.
        color_transform: code Y, Cb and Cr; False codes R, G and B, under 4:4:4 only, with Pillow 10.2 or later.

    Raises:
        ValueError: more than one quantization, or a value out of its range.
        ImportError: Pillow is not installed.
    """

    qstep: int | None = None
    quality: int | None = None
    tables: Any = None
    chroma_subsampling: str = "4:4:4"
    optimize: bool = True
    progressive: bool = False
    color_transform: bool = True
    suffixes: ClassVar[tuple[str, ...]] = (".jpg", ".jpeg")
    max_side: ClassVar[int] = 65500  # of libjpeg; the format's own end is 65535

    def __post_init__(self) -> None:
        given = [name for name in ("qstep", "quality", "tables") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"Give one of qstep, quality and tables. Received {given}.")
        if not given:
            object.__setattr__(self, "qstep", 8)
        for name, low, high in (("qstep", 1, 255), ("quality", 1, 100)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check_integer(value, name, low, high))
        check_subsampling(self.chroma_subsampling, self.color_transform)
        if self.tables is not None:
            object.__setattr__(self, "tables", _checked_tables(self.tables))

    @property
    def name(self) -> str:
        return format_name("JPEG", self.chroma_subsampling, self.color_transform)

    @property
    def version(self) -> str:
        return pillow_version("JPEG", "libjpeg-turbo", "libjpeg_turbo")

    @property
    def carries_metadata(self) -> bool:
        return True

    @property
    def strength(self) -> float:
        if self.tables is not None:
            raise ValueError("Custom tables have no strength. Make a codec for each set of tables.")
        return float(self.qstep if self.qstep is not None else 101 - (self.quality or 0))

    def with_strength(self, strength: float) -> Self:
        _ = self.strength
        if self.qstep is not None:
            step = check_integer(strength, "strength", 1, 255, ", which is the qstep")
            return replace(self, qstep=step)
        strength = check_integer(strength, "strength", 1, 100, ", which is 101 − quality")
        return replace(self, quality=101 - strength)

    @property
    def strengths(self) -> tuple[float, ...]:
        if self.tables is not None:
            return ()
        return tuple(float(s) for s in range(1, 256 if self.qstep is not None else 101))

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        image = check_image(image)
        return self._save(image, None, xmp, icc_profile)

    def encode_planes(
        self,
        planes: Sequence[np.ndarray],
        *,
        xmp: bytes | None = None,
        icc_profile: bytes | None = None,
    ) -> bytes:
        """The file whose planes these are, chroma at its own size.

        Args:
            planes: uint8 [height, width], one or three: Y, Cb and Cr, or without a `color_transform` R, G and B. Of
                three, the first has the picture's size and the others ⌈height/down⌉ × ⌈width/across⌉.
            xmp: an XMP packet to put into the file.
            icc_profile: an ICC profile to put into the file.

        Returns:
            The bytes.
        """
        height, width = planes[0].shape
        # Samples repeated are what libjpeg's averages make samples of again.
        whole = [
            np.repeat(np.repeat(plane, -(-height // len(plane)), 0), -(-width // plane.shape[1]), 1)
            for plane in planes
        ]
        image = check_image(np.stack([plane[:height, :width] for plane in whole], axis=-1))
        mode = "YCbCr" if len(planes) == 3 and self.color_transform else None
        return self._save(image, mode, xmp, icc_profile)

    def _save(
        self, image: np.ndarray, mode: str | None, xmp: bytes | None, icc_profile: bytes | None
    ) -> bytes:
        check_sides(image, "JPEG", self.max_side)
        options: dict[str, Any] = {"optimize": self.optimize, "progressive": self.progressive}
        if self.quality is not None:
            options["quality"] = self.quality
        elif self.tables is not None:
            options["qtables"] = [np.ravel(table).tolist() for table in self.tables]
        else:
            # No `quality` beside tables: Pillow 11.3 and later scale the tables by it.
            options["qtables"] = [[self.qstep] * 64]
        if image.shape[-1] == 3:
            options["subsampling"] = self.chroma_subsampling
            if not self.color_transform:
                _require_keep_rgb()
                options["keep_rgb"] = True
        if xmp:
            # Pillow's own `xmp` came with 11.0.
            options["extra"] = xmp_segment(xmp)
        if icc_profile:
            if len(icc_profile) > MAX_PROFILE:
                raise ValueError(
                    f"JPEG holds ICC profiles of up to {MAX_PROFILE} bytes. Received {len(icc_profile)}."
                )
            options["icc_profile"] = icc_profile
        try:
            return pillow_save(image, "JPEG", mode=mode, **options)
        except ValueError:
            # For tables of the picture's own Pillow has room for 16 bits a pixel; noise at a step of 1 needs more.
            if not self.optimize or self.progressive:
                raise
            return pillow_save(image, "JPEG", mode=mode, **{**options, "optimize": False})

    def decode(self, data: bytes) -> np.ndarray:
        return pillow_load(check_data(data), "JPEG")

    @classmethod
    def read_header(cls, data: bytes) -> Header:
        metadata = read_segments(data)  # older versions of Pillow tell no XMP
        return Header(pillow_header(data, "JPEG").size, *metadata)


def _checked_tables(tables: Any) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Tables as tuples of rows, so that codecs can be compared."""
    tables = np.asarray(tables, "float64")
    tables = tables[None] if tables.ndim == 2 else tables
    right_shape = tables.shape[1:] == (8, 8) and len(tables) in (1, 2)
    whole = tables.size and np.all(tables == np.round(tables))
    if not right_shape or not whole or tables.min() < 1 or tables.max() > 255:
        raise ValueError(
            "`tables` must be one or two 8×8 tables of integers from 1 to 255. "
            f"Received shape {tables.shape}."
        )
    return tuple(tuple(tuple(row) for row in table) for table in tables.astype(int).tolist())


def _require_keep_rgb() -> None:
    version = pillow("JPEG").__version__
    if tuple(int(part) for part in version.split(".")[:2]) < (10, 2):
        raise ImportError(
            "JPEG(color_transform=False) needs Pillow 10.2 or later, older ones ignore it: "
            f'pip install "Pillow>=10.2". Received Pillow {version}.'
        )
