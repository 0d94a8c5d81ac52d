"""Bounds are held against what a network does when a pixel is changed."""

import keras
import numpy as np
import pytest
from autodiff import run

import keras_sandwich as ks
from keras_sandwich.models.receptive_field import joint_receptive_field

UNETS = [
    {"encoder_filters": (), "decoder_filters": (2,)},
    {"encoder_filters": (2,), "decoder_filters": (2, 2)},
    {"encoder_filters": (2,), "decoder_filters": (2, 2), "patch_size": 2},
    {"encoder_filters": (2, 2), "decoder_filters": (2, 2, 2)},
    {"encoder_filters": (2, 2), "decoder_filters": (2, 2, 2), "drop_last_encoder_block": True},
    {"encoder_filters": (2, 2), "decoder_filters": (2, 2, 2), "convolutions_per_block": 1},
    {"encoder_filters": (2,), "decoder_filters": (2, 2), "patch_size": 2, "block_size": 8},
    {"encoder_filters": (2,) * 3, "decoder_filters": (2,) * 4},
    {"encoder_filters": (2,) * 4, "decoder_filters": (2,) * 5, "convolutions_per_block": 1},
]
MLPS = [
    {"patch_size": 1, "kernel_size": 1},
    {"patch_size": 2, "kernel_size": 5},
    {"patch_size": 8, "kernel_size": 3},
    {"patch_size": 2, "kernel_size": 3, "start": "linear"},
]


def measured_radius(network, size):
    """How far a change of a pixel is seen, for pixels at every place of the grid: in float64's stead, positive
    weights, so that no effect cancels another and no ReLU is off."""
    network.build((None, None, None, 1))
    for weight in network.weights:
        positive = np.random.default_rng(0).uniform(0.5, 1.5, weight.shape)
        fan_in = max(np.prod(weight.shape[:-1]), 1)
        weight.assign(positive / fan_in if weight.name == "kernel" else 0 * positive)
    for layer in getattr(network, "hidden", []):
        layer.activation = keras.activations.linear
    grid = network.alignment
    middle = size // 2 // grid * grid
    radius = 0
    for axis in (1, 2):
        # One column or row for each place of the grid, as a batch of pictures.
        x = np.zeros((grid, size, 3 * grid, 1), "float32")
        for place in range(grid):
            x[place, middle + place] = 1e6
        x = x if axis == 1 else x.swapaxes(1, 2)
        changed = run(network, x) - run(network, np.zeros_like(x))
        y = np.abs(changed).max(axis=(3 - axis, 3))
        for place in range(grid):
            rows = np.flatnonzero(y[place])
            assert rows[0] > 0  # the picture is large enough to tell
            assert rows[-1] < size - 1
            radius = max(radius, middle + place - rows[0], rows[-1] - middle - place)
    return radius


@pytest.mark.parametrize("arguments", UNETS, ids=str)
def test_a_u_net_sees_as_far_as_it_says(arguments):
    unet = ks.models.UNet(1, **arguments)
    measured = measured_radius(unet, 4 * unet.receptive_radius + 4 * unet.alignment)
    assert measured == unet.receptive_radius


@pytest.mark.parametrize("arguments", MLPS, ids=str)
def test_a_linear_path_sees_as_far_as_it_says(arguments):
    mlp = ks.models.MLP(1, **arguments)
    assert measured_radius(mlp, 64) == mlp.receptive_radius


def test_the_grid_is_the_smallest():
    for arguments in UNETS:
        unet = ks.models.UNet(1, **arguments)
        poolings = len(arguments["encoder_filters"]) - arguments.get(
            "drop_last_encoder_block", False
        )
        assert unet.alignment == max(
            arguments.get("patch_size", 1) * 2**poolings, arguments.get("block_size", 1)
        )


def test_layers_together():
    mlp = ks.models.MLP(1, patch_size=6, kernel_size=1)  # 5 pixels, grid of 6
    unet = ks.models.UNet(1, (), (2,), patch_size=4, convolutions_per_block=1)  # 2·4 + 3, 4
    assert joint_receptive_field(mlp, None, unet) == (11, 12)
    assert joint_receptive_field(None) == (0, 1)
    assert joint_receptive_field(mlp, keras.layers.Conv2D(1, 3)) is None


def test_no_encoder_block_to_drop():
    with pytest.raises(ValueError, match=r"needs an encoder block to drop.*\(\)"):
        ks.models.UNet(1, (), (2,), drop_last_encoder_block=True)
