"""Depth maps of 16 bits over a codec for colour of 8 bits: the sandwich of that scenario."""

import math
from collections.abc import Sequence
from typing import Any

from keras_sandwich.layers.encode_decode_intra import EncodeDecodeIntra
from keras_sandwich.layers.rate_models import JpegRate
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.depth_processors import DepthPostprocessor, DepthPreprocessor
from keras_sandwich.models.unet import UNet
from keras_sandwich.ops.quality_layers import LEAST_QSTEP

QSTEPS = (LEAST_QSTEP, 64.0)


def create_depth_codec_model(
    qstep_range: Sequence[float] = QSTEPS,
    num_truncate_bits: int = 8,
    use_unet_preprocessor: bool = False,
    use_unet_postprocessor: bool = True,
    encoder_filters: Sequence[int] = (24, 48),
    decoder_filters: Sequence[int] = (96, 48, 24),
    unet_patch_size: int = 2,
    unet_block_size: int | None = 8,
    gamma: float = 0.0,
    rate_model: Any = None,
    cost_in_decibels: bool = True,
    chroma_subsampling: str = "4:4:4",
    seed: int | None = None,
    dtype: Any = None,
) -> CompressIntraModel:
    """Depth or disparity of 16 bits over colour JPEG, one model for all rates.

    Without training it is `ops.encode_quality_layers` and its inverse: base in the luma, enhancement in the chroma. The
    network after the codec, told the quantizer step, restores edges and slopes. It is for JPEG 4:4:4 of a flat table,
    at steps of at least 8; holes are filled before (`depth.fill_holes`).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_depth_codec_model(encoder_filters=(8,), decoder_filters=(8, 8))
    depth = ks.datasets.depth_crops(1, size=64)
    outputs = ks.transport(model, depth, ks.codecs.JPEG(qstep=8))
    assert np.abs(outputs["prediction"] - depth).mean() < 65280 / 1000
    ```

    Args:
        qstep_range: (lowest, highest) quantizer step in training, at least 8.
        num_truncate_bits: k: maps of 8 + k bits, in [0, 255·2^k].
        use_unet_preprocessor: put a U-Net before the codec; give a `gamma` then.
        use_unet_postprocessor: put a U-Net after the codec.
        encoder_filters: of the U-Nets.
        decoder_filters: of the U-Nets, one more.
        unet_patch_size: `patch_size` of the U-Nets.
        unet_block_size: `block_size` of the U-Nets.
        gamma: the weight of the rate. The layers alone decide about it without a network before the codec.
        rate_model: see `EncodeDecodeIntra`; None: `JpegRate` of one colour file.
        cost_in_decibels: see `CompressIntraModel`.
        chroma_subsampling: "4:4:4"; what the chroma carries stands no other.
        seed: of the steps.
        dtype: dtype policy of the model.

    Returns:
        A `CompressIntraModel`, not yet built or compiled.

    Raises:
        ValueError: an argument out of its range.
    """
    if min(qstep_range) < LEAST_QSTEP or chroma_subsampling != "4:4:4":
        raise ValueError(
            f"The layers need quantizer steps of at least {LEAST_QSTEP:g} and chroma of 4:4:4. "
            f"Received qstep_range={tuple(qstep_range)}, chroma_subsampling={chroma_subsampling!r}."
        )

    def unet(name: str) -> UNet:
        return UNet(
            1,
            encoder_filters,
            decoder_filters,
            output_initializer="zeros",
            patch_size=unet_patch_size,
            block_size=unet_block_size,
            conditioned=True,
            dtype=dtype,
            name=name,
        )

    shared = {"num_truncate_bits": num_truncate_bits, "dtype": dtype}
    return CompressIntraModel(
        DepthPreprocessor(
            unet("unet_preprocessor") if use_unet_preprocessor else None,
            name="preprocessor",
            **shared,
        ),
        DepthPostprocessor(
            unet("unet_postprocessor") if use_unet_postprocessor else None,
            name="postprocessor",
            **shared,
        ),
        EncodeDecodeIntra(
            qstep_init=math.sqrt(math.prod(qstep_range)),
            train_qstep=False,
            min_qstep=0.0,
            rate_model=rate_model or JpegRate(gradient="unrounded", interleaved=True),
            convert_to_yuv=True,
            seed=seed,
            dtype=dtype,
            name="codec_proxy",
        ),
        gamma,
        qstep_range=qstep_range,
        cost_in_decibels=cost_in_decibels,
        seed=seed,
        dtype=dtype,
    )
