"""What every codec is: pictures to the bytes of a file, and back."""

import abc
import dataclasses
import inspect
from typing import Any, ClassVar, Self

import numpy as np

from keras_sandwich._arguments import check_integer


class Codec(abc.ABC):
    """A codec of the host: NumPy pictures to the bytes of a file, and back.

    A codec of one's own derives from this class and says how it encodes and decodes, what it is called, and how its
    strength is set. Its `settings` are the arguments of its class, which it keeps as attributes of the same names, as
    dataclasses do.

    Example:

    ```python
    import zlib
    from dataclasses import dataclass, replace

    import numpy as np
    import keras_sandwich as ks


    @dataclass(frozen=True)
    class Steps(ks.codecs.Codec):
        step: int = 8
        name = "grayscale steps, deflated"
        version = zlib.ZLIB_RUNTIME_VERSION
        strengths = (1.0, 2.0, 4.0, 8.0, 16.0)

        @property
        def strength(self):
            return float(self.step)

        def with_strength(self, strength):
            return replace(self, step=int(strength))

        def encode(self, image, *, xmp=None, icc_profile=None):
            ks.codecs.Codec.refuse_metadata(self, xmp, icc_profile)
            size = np.array(image.shape[:2], "<u4").tobytes()
            return zlib.compress(size + (image // self.step).tobytes())

        def decode(self, data):
            try:
                data = zlib.decompress(data)
                height, width = np.frombuffer(data[:8], "<u4")
                return np.frombuffer(data[8:], "uint8").reshape(height, width, 1) * self.step
            except zlib.error as error:
                raise ValueError(f"Not such a file: {error}") from error


    image = np.tile(np.arange(48, dtype="uint8"), (32, 1))[..., None]
    codec = Steps().with_strength(4)
    assert np.abs(codec.decode(codec.encode(image)).astype(int) - image).max() < 4
    assert codec.settings == {"class": "Steps", "step": 4}
    ```
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    max_side: ClassVar[int | None] = None  # pixels of the longest side, where that is known

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What the codec is, for the record."""

    @property
    @abc.abstractmethod
    def version(self) -> str:
        """The libraries that do the work, and their versions."""

    @property
    def settings(self) -> dict[str, Any]:
        """The class and every argument, as JSON can hold them: the same codec can be made again."""
        kind = type(self).__name__
        names = _argument_names(self)
        unknown = [name for name in names if not hasattr(self, name)]
        if unknown:
            raise TypeError(
                f"The settings of a codec are the arguments of its class, and {kind} has {unknown} and no attributes "
                "of these names. Keep them as attributes, make the class a dataclass, or define its `settings`."
            )
        return {"class": kind, **{name: _as_json(getattr(self, name)) for name in names}}

    @property
    def bits(self) -> int:
        """The bits of a sample: pictures are uint8 for 8, else uint16 in [0, 2^bits − 1]."""
        return 8

    @property
    def carries_metadata(self) -> bool:
        """Whether `encode` can write XMP and an ICC profile into the file."""
        return False

    @property
    @abc.abstractmethod
    def strength(self) -> float:
        """What `with_strength` sets: larger is fewer bits."""

    @abc.abstractmethod
    def with_strength(self, strength: float) -> Self:
        """The same codec at another strength. ValueError for one out of its range, and of a codec that has none."""

    @property
    @abc.abstractmethod
    def strengths(self) -> tuple[float, ...]:
        """Every strength that is worth trying, increasing; empty where there is nothing to set."""

    @abc.abstractmethod
    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        """A picture [height, width, 1 or 3] to the bytes of a file, with metadata if it carries any."""

    @abc.abstractmethod
    def decode(self, data: bytes) -> np.ndarray:
        """The bytes of a file to a picture. Damage raises ValueError or OSError; what is no bytes, TypeError."""

    def for_channels(self, channels: int) -> "Codec":
        """What codes pictures of so many channels: this codec for 1 and 3, else a `Split` of one file per channel.

        A `Split` codes what its groups sum to, and raises ValueError for other counts.
        """
        from keras_sandwich.codecs.split import Split

        return self if channels in (1, 3) else Split(self, (1,) * channels)

    def refuse_metadata(self, xmp: bytes | None, icc_profile: bytes | None) -> None:
        """For codecs that cannot write metadata: ValueError if there is any.

        Raises:
            ValueError: XMP or an ICC profile was given.
        """
        given = [name for name, value in (("xmp", xmp), ("icc_profile", icc_profile)) if value]
        if given:
            raise ValueError(
                f"{self.name} writes no metadata into its files. Received {' and '.join(given)}; leave it out, "
                "or take a codec whose `carries_metadata` is True."
            )


def _argument_names(codec: Codec) -> list[str]:
    if dataclasses.is_dataclass(codec):
        return [field.name for field in dataclasses.fields(codec) if field.init]
    return list(inspect.signature(type(codec)).parameters)


def _as_json(value: Any) -> Any:
    """Tuples as the lists that JSON makes of them."""
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


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
