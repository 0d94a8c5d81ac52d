"""The quantizer step that a codec's strength amounts to, for networks that are told it."""

import math
import warnings
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.codecs import JPEG, Split
from keras_sandwich.codecs.video_codec import VideoCodec

# Strengths of each codec, and the step that loses as much.
MEASURED: dict[str, dict[float, float]] = {
    "JPEG": {2: 1.65, 11: 11.34, 26: 23.11, 51: 35.24, 71: 47.12, 86: 74.7, 94: 128.22},
    "WebP": {2: 3.26, 11: 7.79, 26: 18.26, 51: 26.38, 71: 37.74, 91: 63.67, 101: 170.26},
    "AVIF": {2: 1.86, 11: 5.37, 26: 12.46, 41: 23.69, 56: 42.17, 71: 78.38, 86: 161.0, 101: 253.32},
    "HEIC": {3: 0.73, 11: 1.16, 25: 2.81, 41: 7.14, 55: 16.9, 71: 45.91, 85: 114.61, 97: 248.16},
    "JPEG2000": {4: 21.59, 8: 51.0, 16: 101.13, 32: 183.86, 64: 282.78, 100: 378.32},
    "JPEGXL": {0.5: 6.69, 1: 11.02, 2: 21.9, 4: 45.52, 8: 82.0, 15: 136.62},
    "X264": {4: 1.19, 12: 3.09, 20: 8.0, 26: 16.76, 32: 36.18, 38: 83.92, 44: 178.01, 50: 303.6},
    "X265": {4: 1.58, 12: 3.58, 20: 8.53, 26: 16.52, 32: 32.54, 38: 66.02, 44: 145.38, 50: 299.89},
    "SVTAV1": {
        4: 3.36,
        12: 7.17,
        20: 11.25,
        28: 16.65,
        36: 24.67,
        44: 37.71,
        52: 57.24,
        60: 110.07,
    },
    "VP9": {4: 3.42, 12: 8.05, 20: 12.85, 28: 20.66, 36: 35.67, 44: 61.65, 52: 104.43, 60: 205.96},
}


def equivalent_qstep(codec: Any) -> float | None:
    """The flat JPEG step with about the squared error of a codec at its strength.

    Of a JPEG with a flat table it is the codec's own step; of one with other tables the geometric mean of the luma
    table's steps; of the other codecs what was measured on photographs (`benchmarks/quality/equivalent_steps.py`),
    between the measured strengths interpolated in the step's logarithm. Networks conditioned on the step are told this
    one, before the codec and after it.

    Example:

    ```python
    import keras_sandwich as ks

    assert ks.inference.equivalent_qstep(ks.codecs.JPEG(qstep=24)) == 24.0
    assert 5 < ks.inference.equivalent_qstep(ks.codecs.WebP(quality=50)) < 50
    ```

    Args:
        codec: a codec of `keras_sandwich.codecs`.

    Returns:
        The step in pixel levels of 8 bits; None for a codec of another kind, or one that has no strength.
    """
    codec = codec.codec if isinstance(codec, Split) else codec
    if isinstance(codec, JPEG) and codec.qstep is not None:
        return float(codec.qstep)
    if isinstance(codec, JPEG) and codec.tables is not None:
        luma = np.asarray(codec.tables, "float64").reshape(-1, 64)[0]
        return round(float(np.exp(np.mean(np.log(luma)))), 2)
    measured = MEASURED.get(type(codec).__name__)
    if measured is None:
        return None
    log_steps = np.log(list(measured.values()))
    strength = codec.strength
    if isinstance(codec, VideoCodec):  # the same step of a deeper H.264 or HEVC is further up
        strength -= codec.largest - type(codec)().largest
    return round(math.exp(float(np.interp(strength, list(measured), log_steps))), 2)


def qstep_for(model: Any, codec: Any = None) -> float | None:
    """The step that a model's networks are told for a codec, or None if they are told none.

    The model's own for a codec of which no equivalent step is known, or without a codec.
    """
    if not getattr(model, "conditioned", False):
        return None
    qstep = equivalent_qstep(codec)
    if qstep is None:
        qstep = float(ops.convert_to_numpy(model.codec_proxy.effective_qstep()))
    return qstep


def warn_of_untrained(model: Any, qstep: float | None, stacklevel: int = 3) -> None:
    """A warning for a step that a model for a range of rates never met in training."""
    trained = getattr(model, "qstep_range", None)
    if trained is None or qstep is None or trained[0] <= qstep <= trained[1]:
        return
    coarse = qstep > trained[1]
    warnings.warn(
        f"The file's quantizer step, {qstep:g}, is {'coarser' if coarse else 'finer'} than the steps that the model "
        f"was trained for, {trained[0]:g} to {trained[1]:g}: the restored picture may be worse than it need be. "
        f"Ask for {'more' if coarse else 'fewer'} bits, or take a model that was trained for them.",
        stacklevel=stacklevel,
    )
