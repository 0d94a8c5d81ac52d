"""Pictures of 10 to 16 bits over a codec for three channels of 8: the sandwich of that scenario."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sandwich._arguments import check_integer, check_positive
from keras_sandwich.layers.rate_models import JpegRate
from keras_sandwich.models.builders import create_basic_model
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.linear_start import patch_kernel
from keras_sandwich.ops.color import RGB_TO_YUV

QSTEPS = (1.0, 16.0)
# Few photographs have chroma beyond ±85 of ±127: at 1.5 it fills the range, and its errors, most of what 8 bits lose of
# RGB, are a third smaller.
CHROMA_GAIN = 1.5
SLOPE = 0.5  # γ over the square of the step, in levels of 8 bits


def create_high_bit_depth_codec_model(
    bits: int = 16,
    qstep_range: Sequence[float] = QSTEPS,
    chroma_gain: float = CHROMA_GAIN,
    **options: Any,
) -> CompressIntraModel:
    """Pictures of 10 to 16 bits over three channels of 8, as JPEG carries them, one model for all rates.

    The codec is told to code its channels as they are (`JPEG(color_transform=False)`), so that no colour is rounded on
    the way: the linear path makes the luma and the chroma, the latter with a gain, and its inverse the picture.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_high_bit_depth_codec_model(
        bits=10, encoder_filters=(8,), decoder_filters=(8, 8)
    )
    picture = np.linspace(0, 1020, 32 * 48 * 3).reshape(1, 32, 48, 3).astype("float32")
    outputs = ks.transport(model, picture, ks.codecs.JPEG(qstep=1, color_transform=False))
    assert np.abs(outputs["prediction"] - picture).mean() < 4  # levels of 10 bits
    ```

    Args:
        bits: of the pictures, 9 to 16: they are in [0, 255·2^(bits − 8)].
        qstep_range: (lowest, highest) quantizer step in training, in levels of 8 bits.
        chroma_gain: of the linear path, 1 at least.
        **options: of `create_basic_model`, which take the place of the scenario's. `gamma` is half the square of the
            range's geometric mean, in the pictures' levels, unless given.

    Returns:
        A `CompressIntraModel`, built, not compiled.

    Raises:
        ValueError: an argument out of its range. TypeError: one that is not known.
    """
    k = check_integer(bits, "bits", 9, 16) - 8
    gain = max(check_positive(chroma_gain, "chroma_gain"), 1.0)
    chroma_subsampling = options.pop("chroma_subsampling", "4:4:4")
    if chroma_subsampling != "4:4:4":
        raise ValueError(
            "A codec that codes its channels as they are has no chroma to subsample. "
            f"Received chroma_subsampling={chroma_subsampling!r}; leave it out."
        )
    arguments: dict[str, Any] = {
        "bottleneck_channels": 3,
        "num_mlp_layers": 1,
        "patch_size": 1,
        "kernel_size": 1,
        "convert_to_yuv": False,
        "num_truncate_bits": k,
        "qstep_range": tuple(qstep_range),
        "gamma": SLOPE * math.prod(qstep_range) * 4**k,
        "cost_in_decibels": True,
        "rate_model": JpegRate(gradient="unrounded"),
        "encoder_filters": (16, 32),
        "decoder_filters": (64, 32, 16),
        "unet_patch_size": 2,
        "unet_block_size": 8,
    }
    model = create_basic_model(**{**arguments, **options})
    model.build((None, None, None, 3))
    to_planes = RGB_TO_YUV * np.array([[1.0], [gain], [gain]])
    for side, matrix in (
        (model.preprocessor, to_planes),
        (model.postprocessor, np.linalg.inv(to_planes)),
    ):
        side.mlp.set_linear(patch_kernel(matrix.T, 1))
    return model
