"""The choice of every block between its two predictions: from the frame before, or from its own frame."""

from typing import Any

from keras import ops

from keras_sandwich._arguments import require_integers
from keras_sandwich.ops.blocks import BLOCK, repeat_blocks, sum_blocks
from keras_sandwich.ops.shapes import require_images


def choose_prediction(
    frames: Any, inter: Any, intra: Any, block_size: int = BLOCK
) -> tuple[Any, Any]:
    """For each block the prediction with the smaller sum of squared errors over all channels; `inter` if equal.

    The choice has no gradient of its own; the prediction that was chosen has.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    frames, inter = np.zeros((1, 8, 16, 1), "float32"), np.ones((1, 8, 16, 1), "float32")
    intra = np.concatenate([0.5 * inter[:, :, :8], 2.0 * inter[:, :, 8:]], axis=2)
    prediction, is_inter = ks.ops.choose_prediction(frames, inter, intra)
    assert np.array_equal(prediction[0, 0, ::8, 0], [0.5, 1.0])
    assert np.array_equal(is_inter, [[[False, True]]])
    ```

    Args:
        frames: what is predicted, [batch, height, width, channels].
        inter: the prediction from another frame, of the same shape.
        intra: the prediction from within the frame.
        block_size: pixels of a block's side; blocks at the bottom and the right may be cut short.

    Returns:
        prediction: [batch, height, width, channels] float32.
        is_inter: [batch, ⌈height/block_size⌉, ⌈width/block_size⌉], booleans.

    Raises:
        ValueError: another rank, or a block size that is not a positive integer.
    """
    require_integers(block_size=block_size)
    frames, inter, intra = (
        require_images(images, name)
        for images, name in ((frames, "frames"), (inter, "inter"), (intra, "intra"))
    )
    fixed = ops.stop_gradient(frames)
    inter_error, intra_error = (
        sum_blocks(
            ops.sum(ops.square(fixed - ops.stop_gradient(prediction)), axis=-1, keepdims=True),
            block_size,
        )
        for prediction in (inter, intra)
    )
    is_inter = inter_error <= intra_error
    chosen = repeat_blocks(ops.cast(is_inter, "float32"), ops.shape(frames)[1:3], block_size)
    # Each is finite, so what was not chosen adds an exact zero.
    return chosen * inter + (1.0 - chosen) * intra, is_inter[..., 0]
