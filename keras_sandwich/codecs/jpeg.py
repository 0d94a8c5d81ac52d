"""JPEG, as Pillow and libjpeg write and read it."""

import io
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")


@dataclass(frozen=True)
class JPEG:
    r"""A baseline JPEG codec: uint8 pictures to the bytes of a file, and back.

    Exactly one of `qstep`, `quality` and `tables` sets the quantization; none means a flat step of 8.

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
        optimize: write Huffman tables made for the picture.
        progressive: write a progressive file.

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

    def __post_init__(self) -> None:
        given = [name for name in ("qstep", "quality", "tables") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"Give one of qstep, quality and tables. Received {given}.")
        if not given:
            object.__setattr__(self, "qstep", 8)
        for name, low, high in (("qstep", 1, 255), ("quality", 1, 100)):
            value = getattr(self, name)
            if value is not None and not (float(value).is_integer() and low <= value <= high):
                raise ValueError(
                    f"`{name}` must be an integer from {low} to {high}. Received {value}."
                )
            object.__setattr__(self, name, None if value is None else int(value))
        if self.chroma_subsampling not in SUBSAMPLING:
            raise ValueError(
                f"`chroma_subsampling` must be one of {SUBSAMPLING}. "
                f"Received {self.chroma_subsampling!r}."
            )
        if self.tables is not None:
            tables = np.asarray(self.tables, "float64")
            tables = tables[None] if tables.ndim == 2 else tables
            whole = np.all(tables == np.round(tables)) and tables.min() >= 1 and tables.max() <= 255
            if tables.shape[1:] != (8, 8) or len(tables) not in (1, 2) or not whole:
                raise ValueError(
                    "`tables` must be one or two 8×8 tables of integers from 1 to 255. "
                    f"Received shape {tables.shape}."
                )
            object.__setattr__(self, "tables", tuple(tuple(t.astype(int).ravel()) for t in tables))

    @property
    def name(self) -> str:
        """What the codec is, for the record."""
        return f"JPEG {self.chroma_subsampling}"

    @property
    def version(self) -> str:
        """The libraries that do the work."""
        pillow = _pillow()
        from PIL import features

        return f"Pillow {pillow.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}"

    @property
    def strength(self) -> float:
        """What `with_strength` sets: larger is fewer bits. The step, or 101 − quality."""
        if self.tables is not None:
            raise ValueError("Custom tables have no strength. Make a codec for each set of tables.")
        return float(self.qstep if self.qstep is not None else 101 - (self.quality or 0))

    def with_strength(self, strength: float) -> "JPEG":
        """The same codec at another strength, a whole number."""
        _ = self.strength
        if self.qstep is not None:
            return replace(self, qstep=cast(int, strength))
        return replace(self, quality=cast(int, 101 - strength))

    def encode(self, image: np.ndarray) -> bytes:
        """uint8 [height, width, 1 or 3] to a file."""
        image = np.asarray(image)
        right_shape = image.ndim == 3 and image.shape[-1] in (1, 3) and image.size
        if image.dtype != np.uint8 or not right_shape:
            raise ValueError(
                "Expected uint8 [height, width, 1 or 3]. "
                f"Received {image.dtype} of shape {image.shape}; round and clip to 0…255 first."
            )
        options: dict[str, Any] = {"optimize": self.optimize, "progressive": self.progressive}
        if self.quality is not None:
            options["quality"] = self.quality
        elif self.tables is not None:
            options["qtables"] = [list(table) for table in self.tables]
        else:
            # No `quality` beside tables: Pillow 11.3 and later scale the tables by it.
            options["qtables"] = [[self.qstep] * 64]
        if image.shape[-1] == 3:
            options["subsampling"] = self.chroma_subsampling
        buffer = io.BytesIO()
        picture = image[..., 0] if image.shape[-1] == 1 else image
        _pillow().fromarray(picture).save(buffer, "JPEG", **options)
        return buffer.getvalue()

    def decode(self, data: bytes) -> np.ndarray:
        """A file to uint8 [height, width, 1 or 3]. Damage raises ValueError or OSError."""
        pillow = _pillow()
        try:
            opened = pillow.open(io.BytesIO(data), formats=["JPEG"])
        except pillow.DecompressionBombError as error:
            raise ValueError(f"The file claims more pixels than can be meant: {error}") from error
        with opened as picture:
            if picture.mode not in ("L", "RGB"):
                raise ValueError(
                    f"Expected a grayscale or RGB JPEG. Received one of mode {picture.mode!r}."
                )
            pixels = np.array(picture)
        return pixels[..., None] if pixels.ndim == 2 else pixels


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            'JPEG files need Pillow: pip install "keras-sandwich[codecs]".'
        ) from error
    return Image
