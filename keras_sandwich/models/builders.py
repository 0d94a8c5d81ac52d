"""The usual sandwich in one call."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_sandwich.layers.encode_decode_intra import EncodeDecodeIntra
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.loop_filter import CORRECTION, LoopFilter
from keras_sandwich.models.processors import Postprocessor, Preprocessor
from keras_sandwich.models.unet import DECODER_FILTERS, ENCODER_FILTERS, UNet


def create_basic_model(
    bottleneck_channels: int = 1,
    output_channels: int = 3,
    num_mlp_layers: int = 2,
    rate_model: Any = "jpeg",
    downsample_factor: int = 1,
    num_truncate_bits: int = 0,
    gamma: float = 50.0,
    use_unet_preprocessor: bool = True,
    use_unet_postprocessor: bool = True,
    loop_filter: Any = None,
    encoder_filters: Sequence[int] = ENCODER_FILTERS,
    decoder_filters: Sequence[int] = DECODER_FILTERS,
    patch_size: int | None = None,
    kernel_size: int | None = None,
    unet_patch_size: int = 1,
    unet_block_size: int | None = None,
    cascade: bool = False,
    train_linear: bool | None = None,
    start: str = "linear",
    resampling: str = "filters",
    convert_to_yuv: bool | None = None,
    chroma_subsampling: str = "4:4:4",
    rounding: str = "straight_through",
    arithmetic: str = "float",
    train_qstep: bool | None = None,
    qstep_range: Sequence[float] | None = None,
    cost_in_decibels: bool = False,
    seed: int | None = None,
    dtype: Any = None,
) -> CompressIntraModel:
    """The usual sandwich: two U-Nets around the JPEG proxy, at a quantizer step that suits γ.

    Example:

    ```python
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        bottleneck_channels=3,
        downsample_factor=2,
        encoder_filters=(16, 32),
        decoder_filters=(64, 32, 16),
        convert_to_yuv=True,
    )
    model.build((None, None, None, 3))
    assert model.compute_output_shape((1, 64, 80, 3))["bottleneck"] == (1, 32, 40, 3)
    ```

    Args:
        bottleneck_channels: channels that the codec carries.
        output_channels: channels of the pictures.
        num_mlp_layers: layers of the linear paths, see `Preprocessor`.
        rate_model: "jpeg", "gaussian" or a layer, see `EncodeDecodeIntra`.
        downsample_factor: the bottleneck is smaller by this factor.
        num_truncate_bits: k: pictures of 8 + k bits over 8.
        gamma: the weight of the rate, ≥ 0. For three channels 50 trains for about 2 bits per pixel, 400 to 1800 for
            1 to 0.5. The trained step starts at max(√γ/2^k, 1).
        use_unet_preprocessor: put a U-Net before the codec; otherwise the linear path alone.
        use_unet_postprocessor: put a U-Net after the codec.
        loop_filter: a trained layer for the decoded bottleneck, kept frozen.
        encoder_filters: of both U-Nets.
        decoder_filters: of both U-Nets, one more.
        patch_size: of the linear paths, see `Preprocessor`.
        kernel_size: of the linear paths, see `Preprocessor`.
        unet_patch_size: `patch_size` of both U-Nets: 2 makes them four times cheaper and aware of the pixel grid.
        unet_block_size: `block_size` of both U-Nets, in pixels of the pictures: what the codec's blocks cover there.
        cascade: give the U-Nets what the linear paths made, too.
        train_linear: whether the linear paths are trained, see `Preprocessor`.
        start: "linear", the chain of linear filters that needs no training; "published", the paper's.
        resampling: "dct" or "filters", see `Preprocessor`.
        convert_to_yuv: the codec converts a three-channel bottleneck to YUV; None: it does where there are three
            channels, as colour JPEG does.
        chroma_subsampling: of the codec: "4:4:4", "4:2:2" or "4:2:0".
        rounding: of the codec proxy: "straight_through", "uniform_noise" or "cubic".
        arithmetic: of the codec proxy: "float", or "libjpeg" to be exact.
        train_qstep: train the quantizer step; None: unless there is a `qstep_range`.
        qstep_range: (lowest, highest) quantizer step: one model for all rates, see `CompressIntraModel`. The U-Nets are
            conditioned on the step, which starts at the range's geometric mean.
        cost_in_decibels: minimise the mean of the costs' decibels, see `CompressIntraModel`.
        seed: seed of the noise and of the steps.
        dtype: dtype policy of the model, such as "mixed_bfloat16".

    Returns:
        A `CompressIntraModel`, not yet built or compiled.

    Raises:
        ValueError: an argument out of its range.
    """

    def unet(channels: int, name: str) -> UNet:
        return UNet(
            channels,
            encoder_filters,
            decoder_filters,
            output_initializer="zeros" if start == "linear" else "glorot_uniform",
            patch_size=unet_patch_size,
            block_size=unet_block_size,
            conditioned=qstep_range is not None,
            dtype=dtype,
            name=name,
        )

    shared: dict[str, Any] = {
        "num_mlp_layers": num_mlp_layers,
        "patch_size": patch_size,
        "kernel_size": kernel_size,
        "start": start,
        "downsample_factor": downsample_factor,
        "num_truncate_bits": num_truncate_bits,
        "cascade": cascade,
        "train_linear": train_linear,
        "resampling": resampling,
        "dtype": dtype,
    }
    preprocessor = Preprocessor(
        bottleneck_channels,
        unet(bottleneck_channels, "unet_preprocessor") if use_unet_preprocessor else None,
        name="preprocessor",
        **shared,
    )
    postprocessor = Postprocessor(
        output_channels,
        unet(output_channels, "unet_postprocessor") if use_unet_postprocessor else None,
        name="postprocessor",
        **shared,
    )
    least = 0.0 if qstep_range else 1.0
    if qstep_range:
        qstep = math.sqrt(math.prod(qstep_range))
    else:
        qstep = max(max(gamma, 0.0) ** 0.5 / 2**num_truncate_bits, 1.0)
    codec_proxy = EncodeDecodeIntra(
        qstep_init=qstep,
        train_qstep=qstep_range is None if train_qstep is None else train_qstep,
        min_qstep=least,
        rate_model=rate_model,
        convert_to_yuv=bottleneck_channels == 3 if convert_to_yuv is None else convert_to_yuv,
        chroma_subsampling=chroma_subsampling,
        rounding=rounding,
        arithmetic=arithmetic,
        seed=seed,
        dtype=dtype,
        name="codec_proxy",
    )
    return CompressIntraModel(
        preprocessor,
        postprocessor,
        codec_proxy,
        gamma,
        loop_filter=loop_filter,
        qstep_range=qstep_range,
        cost_in_decibels=cost_in_decibels,
        seed=seed,
        dtype=dtype,
    )


def create_loop_filter_model(
    encoder_filters: Sequence[int] = (32,),
    decoder_filters: Sequence[int] = (32, 32),
    channels: int = 1,
    dtype: Any = None,
) -> LoopFilter:
    """A loop filter to train on (what the proxy decoded, what the codec decoded).

    It starts as the identity. Trained, it is handed to a sandwich as `loop_filter=`, where it is frozen.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    loop_filter = ks.models.create_loop_filter_model((8,), (8, 8))
    loop_filter.compile("adam", "mse")
    proxy_decoded = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 1)).astype("float32")
    codec_decoded = np.round(proxy_decoded)
    loop_filter.fit(proxy_decoded, codec_decoded, verbose=0)
    ```

    Args:
        encoder_filters: of the U-Net.
        decoder_filters: of the U-Net, one more.
        channels: how many channels it sees together: 1 for grayscale codecs, and each channel alone; 3 for codecs
            that convert to YUV, whose errors of chroma show in all three channels at once.
        dtype: dtype policy.

    Returns:
        A `LoopFilter`.
    """
    unet = UNet(
        channels,
        encoder_filters,
        decoder_filters,
        output_initializer="zeros",
        dtype=dtype,
        name="unet",
    )
    # F works on raw pixels; a network trains well on numbers of about 1.
    rescaling = keras.layers.Rescaling
    network = keras.Sequential(
        [
            rescaling(1 / 255, offset=-128 / 255, dtype="float32", name="normalize"),
            unet,
            rescaling(CORRECTION, dtype="float32", name="correction"),
        ],
        name="network",
    )
    return LoopFilter(network, channels, dtype=dtype)
