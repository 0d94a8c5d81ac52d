"""What the samples of a coded file mean where they are no picture's: distances with holes, or radiance."""

import base64
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from keras_sandwich.depth import fill_holes

KINDS = ("depth", "radiance")
DTYPES = ("uint16", "float32")
# A segment of JPEG holds 65,000 bytes of metadata, and the rest needs some.
MOST_PACKED_HOLES = 60_000
MOST_PIXELS = 2**28
# Radiance below this share of the largest counts as it: 2⁻³² is below what a half float beside it can hold.
LEAST_SHARE = 2.0**-32


@dataclass(frozen=True)
class StatedValues:
    """How values became samples in [0, peak], and how they are made of them.

    Attributes:
        kind: "depth": values = low + (high − low)·share; "radiance": low·(high/low)^share.
        low: the value at 0.
        high: the value at the peak, not below.
        dtype: of the values.
        holes: zlib of the bits of the holes, packed row after row, each row exclusive-or the one above; None: none.
    """

    kind: str
    low: float
    high: float
    dtype: str
    holes: bytes | None = None

    @classmethod
    def of_depth(cls, depth: np.ndarray) -> tuple[Self, np.ndarray]:
        """For a map of `load_depth`, and the map with its holes filled."""
        filled, holes = fill_holes(depth)
        packed = _pack(holes) if holes.any() else None
        if packed is not None and len(packed) > MOST_PACKED_HOLES * 3 // 4:
            raise ValueError(
                f"The holes of the depth map need {len(packed)} bytes, and the metadata of a file keep "
                f"{MOST_PACKED_HOLES * 3 // 4}. Fill them first with `depth.fill_holes`, or cut the map into parts."
            )
        low, high = float(filled.min()), float(filled.max())
        return cls("depth", low, high, str(depth.dtype), packed), filled

    @classmethod
    def of_radiance(cls, radiance: np.ndarray) -> Self:
        """For radiance of `load_radiance`."""
        high = float(radiance.max())
        if high == 0:
            raise ValueError("The picture is black: its radiance is 0 everywhere.")
        least = float(radiance[radiance > 0].min())
        return cls("radiance", max(least, high * LEAST_SHARE), high, "float32")

    def to_samples(self, values: np.ndarray, peak: float) -> np.ndarray:
        """Values [height, width] or [height, width, 3] as samples [height, width, channels], float32 in [0, peak]."""
        values = values[..., None] if values.ndim == 2 else values
        if self.high == self.low:
            return np.zeros(values.shape, "float32")
        if self.kind == "depth":
            share = (values.astype("float64") - self.low) / (self.high - self.low)
        else:
            share = np.log(np.maximum(values, self.low) / self.low) / math.log(self.high / self.low)
        return (share * peak).astype("float32")

    def to_values(self, samples: np.ndarray, peak: float) -> np.ndarray:
        """The inverse of `to_samples`, with the holes: [height, width] of a depth map, [height, width, 3] of radiance.

        Raises:
            ValueError: holes that are not of this size, or damaged.
        """
        share = np.clip(samples.astype("float64") / peak, 0.0, 1.0)
        if self.kind == "radiance":
            return (self.low * (self.high / self.low) ** share).astype("float32")
        values = (self.low + (self.high - self.low) * share)[..., 0]
        whole = self.dtype == "uint16"
        depth = np.rint(values).astype("uint16") if whole else values.astype("float32")
        if whole:
            depth = np.maximum(depth, 1)  # 0 is a hole
        if self.holes is not None:
            depth[_unpack(self.holes, depth.shape)] = 0 if whole else np.nan
        return depth

    def to_json(self) -> str:
        """As the field `values` of a file's metadata holds it."""
        fields: dict[str, Any] = {
            "kind": self.kind,
            "low": self.low,
            "high": self.high,
            "dtype": self.dtype,
        }
        if self.holes is not None:
            fields["holes"] = base64.b64encode(self.holes).decode("ascii")
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote, whoever wrote it; ValueError for anything else."""
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("it is no JSON") from error
        if not isinstance(fields, Mapping):
            raise ValueError("it holds no names and values")
        low, high = _finite(fields.get("low")), _finite(fields.get("high"))
        kind, dtype = fields.get("kind"), fields.get("dtype")
        if kind not in KINDS or dtype not in DTYPES or not 0 <= low <= high:
            raise ValueError("its kind, its range or its dtype is none that is known")
        if (kind == "radiance" and (low == 0 or dtype != "float32")) or (
            dtype == "uint16" and high > 65535
        ):
            raise ValueError("its range does not fit its kind")
        packed = fields.get("holes")
        if packed is not None:
            try:
                packed = base64.b64decode(packed, validate=True)
            except (TypeError, ValueError) as error:
                raise ValueError("its holes are no base64") from error
        return cls(kind, low, high, dtype, packed)


def _finite(value: Any) -> float:
    """A finite number of JSON as it is; −1 for anything else."""
    return float(value) if type(value) in (int, float) and math.isfinite(value) else -1.0


def _pack(holes: np.ndarray) -> bytes:
    changes = holes.copy()
    changes[1:] ^= holes[:-1]
    return zlib.compress(np.packbits(changes, axis=None).tobytes(), 9)


def _unpack(packed: bytes, shape: tuple[int, ...]) -> np.ndarray:
    count = math.prod(shape)
    size = -(-count // 8)
    unpacker = zlib.decompressobj()
    try:
        bits = unpacker.decompress(packed, min(size, MOST_PIXELS // 8) + 1)
    except zlib.error as error:
        raise ValueError(f"the holes in its metadata are damaged: {error}") from error
    if len(bits) != size:
        raise ValueError("the holes in its metadata are of another size than the depth map")
    changes = np.unpackbits(np.frombuffer(bits, "uint8"), count=count).reshape(shape)
    return np.asarray(np.bitwise_xor.accumulate(changes, axis=0), bool)
