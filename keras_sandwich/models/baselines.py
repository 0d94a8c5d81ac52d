"""What a sandwich is compared with, as models: the linear baseline, and one network alone."""

from typing import Any

from keras_sandwich.models.builders import create_basic_model
from keras_sandwich.models.compress_intra import CompressIntraModel


def create_linear_baseline(
    bottleneck_channels: int = 1,
    output_channels: int = 3,
    downsample_factor: int = 1,
    num_truncate_bits: int = 0,
    kernel_size: int | None = None,
    patch_size: int = 2,
    resampling: str = "filters",
) -> CompressIntraModel:
    """The linear baseline: the filters that a sandwich starts from, without networks and without training.

    For three channels over one, chroma modulated on a carrier (waves of the highest spatial frequencies) or, with
    `patch_size=16`, multiplexed into DCT coefficients (in the place of single ones of the luma);
    bicubic and Lanczos3 resampling, or one in the DCT domain; truncation of bits; or the identity.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    chain = ks.models.create_linear_baseline(bottleneck_channels=1)
    flat = np.tile(np.array([200.0, 120.0, 60.0]), (1, 48, 48, 1))
    restored = keras.ops.convert_to_numpy(chain.postprocess(chain.preprocess(flat)))
    assert np.abs(restored - flat)[:, 16:-16, 16:-16].max() < 8
    ```

    Args:
        bottleneck_channels: channels that the codec carries.
        output_channels: channels of the pictures.
        downsample_factor: the bottleneck is smaller by this factor.
        num_truncate_bits: k: pictures of 8 + k bits over 8.
        kernel_size: odd size in patches of the linear filters; None: 5, and 1 for patches of 16.
        patch_size: side of the patches that the linear filters work on.
        resampling: "dct" or "filters", see `Preprocessor`.

    Returns:
        A `CompressIntraModel`, built.
    """
    chain = create_basic_model(
        bottleneck_channels=bottleneck_channels,
        output_channels=output_channels,
        num_mlp_layers=1,
        downsample_factor=downsample_factor,
        num_truncate_bits=num_truncate_bits,
        patch_size=patch_size,
        kernel_size=kernel_size,
        resampling=resampling,
        use_unet_preprocessor=False,
        use_unet_postprocessor=False,
    )
    chain.build((None, None, None, output_channels))
    return chain


def create_postprocessor_baseline(**arguments: Any) -> CompressIntraModel:
    """The linear baseline with a network after the codec and none before it, to be trained like a sandwich.

    What the codec is given stays as the linear baseline makes it; the linear path and the U-Net after the codec are
    trained. Trained with the data, the steps and the γ of a sandwich, it shows what the network before the codec is
    worth.

    Example:

    ```python
    import keras_sandwich as ks

    arguments = {"downsample_factor": 2, "bottleneck_channels": 3, "gamma": 400.0}
    networks = {"encoder_filters": (8, 16), "decoder_filters": (32, 16, 8)}
    baseline = ks.models.create_postprocessor_baseline(**arguments, **networks)
    assert not baseline.preprocessor.trainable_weights
    ```

    Args:
        **arguments: those of `create_basic_model`, except which U-Nets to use.

    Returns:
        A `CompressIntraModel`, built for pictures of `output_channels`.
    """
    return _one_network("preprocessor", arguments)


def create_preprocessor_baseline(**arguments: Any) -> CompressIntraModel:
    """The linear baseline with a network before the codec and none after it, to be trained like a sandwich.

    Example:

    ```python
    import keras_sandwich as ks

    arguments = {"downsample_factor": 2, "bottleneck_channels": 3, "gamma": 400.0}
    networks = {"encoder_filters": (8, 16), "decoder_filters": (32, 16, 8)}
    baseline = ks.models.create_preprocessor_baseline(**arguments, **networks)
    assert not baseline.postprocessor.trainable_weights
    ```

    Args:
        **arguments: those of `create_basic_model`, except which U-Nets to use.

    Returns:
        A `CompressIntraModel`, built for pictures of `output_channels`.
    """
    return _one_network("postprocessor", arguments)


def _one_network(frozen: str, arguments: dict[str, Any]) -> CompressIntraModel:
    """A sandwich one of whose sides has no U-Net and stays the linear baseline."""
    model = create_basic_model(**{**arguments, f"use_unet_{frozen}": False})
    side = getattr(model, frozen)
    side.trainable = False
    model.build((None, None, None, arguments.get("output_channels", 3)))
    return model
