"""Pictures of other channel counts: several files in one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from keras_sandwich.codecs.checks import check_data
from keras_sandwich.codecs.codec import Codec

MAX_LENGTH_BYTES = 5  # 35 bits


@dataclass(frozen=True)
class Split(Codec):
    """A codec for pictures of any channel count: groups of channels as files of their own, in one sequence of bytes.

    Each file stands behind its length, of seven bits a byte and the last byte below 128: two bytes up to 16383.

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
        return replace(self, codec=self.codec.with_strength(strength))

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
