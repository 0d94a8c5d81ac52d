"""8×8 blocks: cutting images into them and putting them together again."""

from typing import Any

from keras import ops

from keras_sandwich.ops.shapes import (
    as_tensor,
    ceil_divide,
    ceil_multiple,
    pad_bottom_right,
    require_images,
)

BLOCK = 8


def image_to_blocks(images: Any) -> Any:
    """Cuts images into 8×8 blocks, each channel by itself.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    blocks = ks.ops.image_to_blocks(np.zeros((2, 16, 24, 3), "float32"))
    assert blocks.shape == (2, 3, 2, 3, 8, 8)
    ```

    Args:
        images: [batch, height, width, channels]. Height and width are multiples of 8
            (see `pad_to_multiple`).

    Returns:
        [batch, channels, height/8, width/8, 8, 8]; the last two axes are the rows and the
        columns of a block.

    Raises:
        ValueError: the rank is not 4, or a known height or width is not a multiple of 8.
    """
    images = require_images(images)
    _, height, width, _ = ops.shape(images)
    for name, size in (("height", height), ("width", width)):
        if isinstance(size, int) and size % BLOCK:
            raise ValueError(
                f"The {name} must be a multiple of {BLOCK} to be cut into blocks. Received {size}; "
                f"pad the images with `pad_to_multiple(images, {BLOCK})` first."
            )
    blocks = ops.reshape(
        images, (-1, height // BLOCK, BLOCK, width // BLOCK, BLOCK, images.shape[-1])
    )
    return ops.transpose(blocks, (0, 5, 1, 3, 2, 4))


def blocks_to_image(blocks: Any) -> Any:
    """Puts blocks together again: the inverse of `image_to_blocks`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    images = np.random.default_rng(0).random((2, 16, 24, 3), "float32")
    again = ks.ops.blocks_to_image(ks.ops.image_to_blocks(images))
    assert np.array_equal(images, again)
    ```

    Args:
        blocks: [batch, channels, rows, columns, 8, 8].

    Returns:
        [batch, 8·rows, 8·columns, channels].
    """
    blocks = as_tensor(blocks)
    _, channels, rows, columns, _, _ = ops.shape(blocks)
    images = ops.transpose(blocks, (0, 2, 4, 3, 5, 1))
    return ops.reshape(images, (-1, rows * BLOCK, columns * BLOCK, channels))


def cut_plane(plane: Any) -> Any:
    """One channel [batch, height, width], multiples of 8, as blocks [batch, rows, columns, 8, 8]."""
    _, height, width = ops.shape(plane)
    strips = ops.reshape(
        plane, (-1, BLOCK, width // BLOCK, BLOCK)
    )  # rank 4: short of it, TensorFlow is slow
    blocks = ops.transpose(strips, (0, 2, 1, 3))
    return ops.reshape(blocks, (-1, height // BLOCK, width // BLOCK, BLOCK, BLOCK))


def join_blocks(blocks: Any) -> Any:
    """The inverse of `cut_plane`."""
    _, rows, columns, _, _ = ops.shape(blocks)
    strips = ops.reshape(blocks, (-1, columns, BLOCK, BLOCK))
    return ops.reshape(ops.transpose(strips, (0, 2, 1, 3)), (-1, rows * BLOCK, columns * BLOCK))


def sum_blocks(images: Any, block_size: int) -> Any:
    """The sum over each block, [batch, rows, columns, channels]; blocks at the edges may be cut short."""
    _, height, width, channels = ops.shape(images)
    rows, columns = (ceil_divide(size, block_size) for size in (height, width))
    images = pad_with_zeros(images, rows * block_size, columns * block_size)
    blocks = ops.reshape(images, (-1, rows, block_size, columns, block_size, channels))
    return ops.sum(blocks, axis=(2, 4))


def pad_with_zeros(images: Any, height: Any, width: Any) -> Any:
    """Grows [batch, h, w, channels] to `height` × `width` by zeros at the bottom and the right."""
    _, old_height, old_width, _ = ops.shape(images)
    return ops.pad(images, ((0, 0), (0, height - old_height), (0, width - old_width), (0, 0)))


def repeat_blocks(values: Any, size: Any, block_size: int) -> Any:
    """One value for each block, [batch, rows, columns, channels], for each pixel of images of that size."""
    _, rows, columns, channels = ops.shape(values)
    values = values[:, :, None, :, None]
    ones = ops.ones((1, 1, block_size, 1, block_size, 1), values.dtype)
    pixels = ops.reshape(values * ones, (-1, rows * block_size, columns * block_size, channels))
    return pixels[:, : size[0], : size[1]]


def pad_to_multiple(images: Any, multiple: Any) -> Any:
    """Pads bottom and right to a multiple, mirrored with the edge repeated ("symmetric").

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    row = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    padded = ks.ops.pad_to_multiple(row, (1, 8))
    assert np.array_equal(padded[0, 0, :, 0], [1, 2, 3, 3, 2, 1, 1, 2])
    ```

    Args:
        images: [batch, height, width, channels], any size from 1×1.
        multiple: a positive integer, or two: for the height and for the width.

    Returns:
        [batch, padded height, padded width, channels].
    """
    images = require_images(images)
    down, across = (multiple, multiple) if isinstance(multiple, int) else multiple
    _, height, width, _ = ops.shape(images)
    return pad_bottom_right(
        images, ceil_multiple(height, down), ceil_multiple(width, across), repeat_edge=True
    )


def space_to_depth(images: Any, patch_size: int) -> Any:
    """Moves each p×p patch of pixels into the channels of one.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    patches = ks.ops.space_to_depth(np.arange(4.0).reshape(1, 2, 2, 1), 2)
    assert patches.shape == (1, 1, 1, 4) and np.array_equal(patches[0, 0, 0], [0, 1, 2, 3])
    ```

    Args:
        images: [batch, height, width, channels]; height and width multiples of `patch_size`.
        patch_size: p, a positive integer.

    Returns:
        [batch, height/p, width/p, p·p·channels], ordered by row in the patch, column in the
        patch, channel.
    """
    images = as_tensor(images)
    if patch_size == 1:
        return images
    p = patch_size
    _, height, width, channels = ops.shape(images)
    patches = ops.reshape(images, (-1, height // p, p, width // p, p, channels))
    patches = ops.transpose(patches, (0, 1, 3, 2, 4, 5))
    return ops.reshape(patches, (-1, height // p, width // p, p * p * channels))


def depth_to_space(patches: Any, patch_size: int) -> Any:
    """Spreads channels over p×p pixels: the inverse of `space_to_depth`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    image = ks.ops.depth_to_space(np.arange(4.0).reshape(1, 1, 1, 4), 2)
    assert np.array_equal(image[0, :, :, 0], [[0, 1], [2, 3]])
    ```

    Args:
        patches: [batch, rows, columns, p·p·channels].
        patch_size: p, a positive integer.

    Returns:
        [batch, p·rows, p·columns, channels].
    """
    patches = as_tensor(patches)
    if patch_size == 1:
        return patches
    p = patch_size
    _, rows, columns, depth = ops.shape(patches)
    images = ops.reshape(patches, (-1, rows, columns, p, p, depth // (p * p)))
    images = ops.transpose(images, (0, 1, 3, 2, 4, 5))
    return ops.reshape(images, (-1, rows * p, columns * p, depth // (p * p)))
