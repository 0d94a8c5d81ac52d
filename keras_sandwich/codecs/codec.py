"""What every codec is: pictures to the bytes of a file, and back; of other channel counts to several files in one."""

import abc
import dataclasses
import inspect
from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np

from keras_sandwich.codecs.checks import check_data
from keras_sandwich.codecs.header import Header

MAX_LENGTH_BYTES = 5  # 35 bits


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

    @classmethod
    def read_header(cls, data: bytes) -> Header:
        """The header of a file, of which no pixel is decoded; for codecs that carry metadata."""
        raise NotImplementedError(f"{cls.__name__} carries no metadata.")

    def for_channels(self, channels: int) -> "Codec":
        """What codes pictures of so many channels: this codec for 1 and 3, else a `Split` of one file per channel.

        A `Split` codes what its groups sum to, and raises ValueError for other counts.
        """
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


@dataclasses.dataclass(frozen=True)
class Split(Codec):
    """A codec for pictures of any channel count: groups of channels as files of their own, in one sequence of bytes.

    Its strength is that of the codec: the same scale, and more of it is fewer bits. Each file stands behind its length,
    of seven bits a byte and the last byte below 128: two bytes up to 16383.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.Split(ks.codecs.JPEG(qstep=4), groups=(3, 3, 1, 1))
    textures = np.random.default_rng(0).integers(0, 256, (32, 48, 8), dtype="uint8")
    assert codec.decode(codec.encode(textures)).shape == (32, 48, 8)
    ```

    Args:
        codec: what codes each group.
        groups: how many channels each file holds, 1 or 3.

    Raises:
        ValueError: groups of other sizes, or none.
    """

    codec: Codec
    groups: tuple[int, ...]

    def __init__(self, codec: Codec, groups: Iterable[int]) -> None:
        groups = tuple(groups)
        if not groups or any(group not in (1, 3) for group in groups):
            raise ValueError(f"`groups` must be one or more of 1 and 3. Received {groups}.")
        object.__setattr__(self, "codec", codec)
        object.__setattr__(self, "groups", groups)

    @property
    def name(self) -> str:
        return f"{self.codec.name}, channels {'+'.join(map(str, self.groups))}"

    @property
    def version(self) -> str:
        return self.codec.version

    @property
    def settings(self) -> dict[str, Any]:
        return {"class": "Split", "codec": self.codec.settings, "groups": list(self.groups)}

    @property
    def bits(self) -> int:
        return self.codec.bits

    @property
    def strength(self) -> float:
        return self.codec.strength

    def with_strength(self, strength: float) -> Self:
        return dataclasses.replace(self, codec=self.codec.with_strength(strength))

    @property
    def strengths(self) -> tuple[float, ...]:
        return self.codec.strengths

    def encode(
        self, image: np.ndarray, *, xmp: bytes | None = None, icc_profile: bytes | None = None
    ) -> bytes:
        self.refuse_metadata(xmp, icc_profile)
        image = np.asarray(image)
        if image.ndim != 3 or image.shape[-1] != sum(self.groups):
            raise ValueError(
                f"Expected [height, width, {sum(self.groups)}]. Received shape {image.shape}."
            )
        parts = np.split(image, np.cumsum(self.groups)[:-1], axis=-1)
        files = [self.codec.encode(part) for part in parts]
        return b"".join(_length_bytes(len(file)) + file for file in files)

    def decode(self, data: bytes) -> np.ndarray:
        data = check_data(data)
        files, place = [], 0
        for number in range(len(self.groups)):
            length, place = _read_length(data, place)
            if length > len(data) - place:
                raise ValueError(
                    f"File {number + 1} of {len(self.groups)} claims {length} bytes. "
                    f"Received {len(data) - place}: the data is cut short or damaged."
                )
            files.append(data[place : place + length])
            place += length
        if place != len(data):
            raise ValueError(
                f"Expected {len(self.groups)} files. Received {len(data) - place} bytes behind them."
            )
        parts = [self.codec.decode(file) for file in files]
        found = [part.shape for part in parts]
        expected = [(*found[0][:2], group) for group in self.groups]
        if found != expected:
            raise ValueError(f"Expected pictures of the shapes {expected}. Received {found}.")
        return np.concatenate(parts, axis=-1)

    def for_channels(self, channels: int) -> Codec:
        """Itself, for its own count of channels.

        Raises:
            ValueError: the groups do not sum to so many channels.
        """
        if channels != sum(self.groups):
            raise ValueError(
                f"A Split of groups={self.groups} codes pictures of {sum(self.groups)} channels. Received {channels}; "
                f"give groups that sum to {channels}, or {self.codec.name} itself, which chooses them."
            )
        return self


def _length_bytes(length: int) -> bytes:
    encoded = bytearray()
    while length > 127:
        encoded.append(128 | length & 127)
        length >>= 7
    return bytes([*encoded, length])


def _read_length(data: bytes, place: int) -> tuple[int, int]:
    """The length that stands at a place, and the place behind it."""
    length = 0
    for number, byte in enumerate(data[place : place + MAX_LENGTH_BYTES]):
        length |= (byte & 127) << (7 * number)
        if byte < 128:
            return length, place + number + 1
    raise ValueError("The data is cut short or damaged: no length where one should be.")
