import numpy as np
import pytest
from autodiff import run
from photographs import noise

import keras_sandwich as ks


def test_blocks_are_cut_by_row_and_column():
    images = noise(2, 16, 24, 3)
    blocks = run(ks.ops.image_to_blocks, images)
    for row in range(2):
        for column in range(3):
            expected = images[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            assert np.array_equal(blocks[:, :, row, column], np.moveaxis(expected, -1, 1))
    assert np.array_equal(run(ks.ops.blocks_to_image, blocks), images)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (8, 3), (17, 33)])
@pytest.mark.parametrize("multiple", [8, (16, 8)])
def test_padding_is_numpy_s_symmetric(size, multiple):
    images = noise(2, *size, 2)
    down, across = (multiple, multiple) if isinstance(multiple, int) else multiple
    margins = ((0, 0), (0, -size[0] % down), (0, -size[1] % across), (0, 0))
    padded = run(lambda x: ks.ops.pad_to_multiple(x, multiple), images)
    assert np.array_equal(padded, np.pad(images, margins, mode="symmetric"))


@pytest.mark.parametrize("p", [1, 2, 3])
def test_patches_become_channels(p):
    images = noise(2, 6, 12, 2)
    patches = run(lambda x: ks.ops.space_to_depth(x, p), images)
    for y in range(p):
        for x in range(p):
            first = (y * p + x) * 2
            assert np.array_equal(patches[..., first : first + 2], images[:, y::p, x::p])
    assert np.array_equal(run(lambda x: ks.ops.depth_to_space(x, p), patches), images)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"rank 4.*Received shape \(8, 8, 3\).*add a batch axis"):
        ks.ops.image_to_blocks(np.zeros((8, 8, 3)))
    with pytest.raises(ValueError, match=r"The width must be a multiple of 8.*Received 12"):
        ks.ops.image_to_blocks(np.zeros((1, 8, 12, 3)))
