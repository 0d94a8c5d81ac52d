"""The usual sandwich for clips in one call."""

from typing import Any

from keras_sandwich.models.builders import create_basic_model
from keras_sandwich.models.compress_video import CompressVideoModel


def create_basic_video_model(
    bottleneck_channels: int = 1,
    gamma: float = 50.0,
    block_size: int = 16,
    search_radius: int = 8,
    precision: int = 4,
    bottleneck_penalty: bool = False,
    **arguments: Any,
) -> CompressVideoModel:
    """The usual sandwich for clips: two U-Nets around the proxy of a video codec, at a step that suits γ.

    Example:

    ```python
    import keras_sandwich as ks

    grayscale = ks.models.create_basic_video_model(
        encoder_filters=(16, 32), decoder_filters=(64, 32, 16)
    )
    half_size = ks.models.create_basic_video_model(
        bottleneck_channels=3, downsample_factor=2, convert_to_yuv=True, chroma_subsampling="4:2:0"
    )
    half_size.build((None, 4, None, None, 3))
    shapes = half_size.compute_output_shape((1, 4, 64, 80, 3))
    assert shapes["recons_bottleneck"] == (1, 4, 32, 40, 3)
    ```

    Args:
        bottleneck_channels: channels that the codec carries.
        gamma: the weight of the rate, ≥ 0.
        block_size: pixels of the side of the blocks that move, of the bottleneck, where no flow is given.
        search_radius: their largest displacement in each direction, in pixels of the bottleneck.
        precision: displacements are multiples of 1/precision pixel.
        bottleneck_penalty: see `CompressVideoModel`.
        **arguments: all others of `create_basic_model`, such as `downsample_factor`, `encoder_filters`, `qstep_range`
            or `seed`. A loop filter is applied within the codec's loop.

    Returns:
        A `CompressVideoModel`, not yet built or compiled.

    Raises:
        ValueError: an argument out of its range.
    """
    pictures = create_basic_model(bottleneck_channels=bottleneck_channels, gamma=gamma, **arguments)
    return CompressVideoModel.from_image_model(
        pictures,
        bottleneck_penalty,
        block_size=block_size,
        search_radius=search_radius,
        precision=precision,
    )
