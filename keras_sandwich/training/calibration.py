"""The proxy's quantizer step that goes with a real codec's strength, and the other way round."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.codecs import JPEG, Split
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.inference.strengths import nearest
from keras_sandwich.inference.transport import code_batch, empty_file_bits

LARGEST_QSTEP = 512.0
TOLERANCE = 0.005  # of the squared error
AROUND = (0.5, 2**-0.5, 1.0, 2**0.5, 2.0)  # of the trained step


def calibrate_qstep(codec_proxy: Any, bottlenecks: Any, codec: Any) -> float:
    """The quantizer step at which the proxy loses as much as a codec: both have the same squared error.

    What a strength of WebP or AVIF is in steps of the proxy depends on the pictures, so it is measured on some. For
    a JPEG with a flat table, and a proxy with one, it is the codec's own step. To set it:
    `codec_proxy.set_effective_qstep(step)`.

    Example:

    ```python
    import keras_sandwich as ks

    proxy = ks.layers.EncodeDecodeIntra()
    gray = ks.datasets.sample_images("test")[:, :64, :64, 1:2].astype("float32")
    assert ks.training.calibrate_qstep(proxy, gray, ks.codecs.JPEG(qstep=24)) == 24.0
    step = ks.training.calibrate_qstep(proxy, gray, ks.codecs.JPEG(quality=50))
    assert 5.0 < step < 100.0
    ```

    Args:
        codec_proxy: an `EncodeDecodeIntra`.
        bottlenecks: [number, height, width, channels] in [0, 255]: what the codec will be given.
        codec: a codec of `keras_sandwich.codecs`, at the strength that is meant.

    Returns:
        An effective step, within 0.5 % of the codec's squared error where steps from the proxy's `min_qstep` to 512
        reach it; otherwise the end of that range.

    Raises:
        ValueError: the proxy has no step; bottlenecks of another rank, or not finite.
    """
    if not hasattr(codec_proxy, "min_qstep") or not hasattr(codec_proxy, "proxy"):
        raise ValueError(
            "Only a proxy with a quantizer step, an EncodeDecodeIntra, can be calibrated. "
            f"Received {type(codec_proxy).__name__}."
        )
    bottlenecks = np.asarray(ops.convert_to_numpy(bottlenecks), "float32")
    if bottlenecks.ndim != 4 or not bottlenecks.size:
        raise ValueError(
            "Expected bottlenecks [number, height, width, channels]. "
            f"Received shape {bottlenecks.shape}."
        )
    if not np.all(np.isfinite(bottlenecks)):
        raise ValueError("Bottlenecks must be finite. Received NaN or infinite values.")
    own = own_qstep(codec_proxy, codec)
    if own is not None:
        return own
    decoded, _ = code_batch(bottlenecks, codec.for_channels(bottlenecks.shape[-1]))
    return qstep_of_error(codec_proxy, bottlenecks, decoded, codec.bits)


def own_qstep(codec_proxy: Any, codec: Any) -> float | None:
    """The step of a JPEG with a flat table, or the proxy's least; None if either of them has other tables."""
    codec = codec.codec if isinstance(codec, Split) else codec
    flat = isinstance(codec, JPEG) and codec.qstep is not None
    if not flat or codec_proxy.proxy.quantizer.has_tables:
        return None
    return max(float(codec.qstep), codec_proxy.min_qstep)


def qstep_of_error(
    codec_proxy: Any, bottlenecks: np.ndarray, decoded: np.ndarray, bits: int = 8
) -> float:
    """The step at which the proxy's squared error on the bottlenecks is that of what a codec of `bits` decoded."""
    given = from_samples(to_samples(bottlenecks, bits), bits)

    def error(result: Any) -> float:
        return float(np.mean(np.square(ops.convert_to_numpy(result) - given, dtype="float64")))

    target = max(error(decoded), 1e-6)

    def excess(log_qstep: float) -> float:
        # JpegProxy itself: a layer that trains its step takes no other, and noise has no place here.
        result, _ = codec_proxy.proxy(given, qstep=math.exp(log_qstep), training=False)
        return math.log(max(error(result), 1e-6) / target)

    least = max(codec_proxy.min_qstep, 0.1)
    step = math.exp(_rising_zero(excess, math.log(least), math.log(LARGEST_QSTEP)))
    return max(step, codec_proxy.min_qstep)  # not below it by a rounding


def _rising_zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero; the end at which it is nearest, if it does not.

    The rule of false position in its Illinois form: squared errors are nearly powers of the step, so in logarithms
    a few evaluations do.
    """
    below, above = function(low), function(high)
    if below >= 0:
        return low
    if above <= 0:
        return high
    middle, side = low, 0
    for _ in range(40):
        middle = (low * above - high * below) / (above - below)
        value = function(middle)
        if abs(value) < TOLERANCE or high - low < 1e-4:
            break
        if value < 0:
            low, below = middle, value
            above = above / 2 if side == -1 else above
            side = -1
        else:
            high, above = middle, value
            below = below / 2 if side == 1 else below
            side = 1
    return middle


def strengths_around(
    codec_proxy: Any, bottlenecks: Sequence[np.ndarray], codec: Any
) -> tuple[float, ...]:
    """Strengths of a codec from half to twice the step of a proxy, increasing.

    Multiples of the step for a JPEG with a flat table. For others those whose files come nearest in bits to JPEG files
    at these multiples, both without what an empty file costs.

    Args:
        codec_proxy: an `EncodeDecodeIntra`.
        bottlenecks: pictures [height, width, channels] to measure the bits on.
        codec: for as many channels.
    """
    qstep = float(ops.convert_to_numpy(codec_proxy.effective_qstep()))
    if own_qstep(codec_proxy, codec) is not None:
        return tuple(sorted({float(min(max(round(qstep * f), 1), 255)) for f in AROUND}))
    shared = {"chroma_subsampling": codec_proxy.proxy.chroma_subsampling}
    channels = bottlenecks[0].shape[-1]

    def bits(setting: Any) -> float:
        return sum(
            8 * len(setting.encode(to_samples(picture, setting.bits)))
            - empty_file_bits(setting, picture.shape)
            for picture in bottlenecks
        )

    size = functools.cache(lambda index: bits(codec.with_strength(codec.strengths[index])))
    chosen = set()
    for factor in AROUND:
        tables = codec_proxy.proxy.tables(qstep * factor)
        target = bits(JPEG(tables=tables, **shared).for_channels(channels))
        chosen.add(float(codec.strengths[nearest(size, len(codec.strengths), target)]))
    return tuple(sorted(chosen))
