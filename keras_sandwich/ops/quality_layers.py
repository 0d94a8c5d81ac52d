"""A plane finer than 8 bits over a codec for colour of 8 bits: a base in the luma, the rest in the chroma.

Quality scalability, as in JPEG's progressive mode and in scalable video: a coefficient's base is its index at the
codec's quantizer step Δ, its enhancement what is left of it, at a finer step Δ/m and m times larger. The base becomes
the luma and the enhancement the chroma Cr; Cb stays grey. Both lie at the middles of the codec's steps, which carries
them without loss: rounding to pixels moves no coefficient by half a step where Δ is at least `LEAST_QSTEP`.
"""

from typing import Any

from keras import ops

from keras_sandwich.ops.blocks import cut_plane, join_blocks
from keras_sandwich.ops.color import luma_and_differences, planes_of, red_green_blue
from keras_sandwich.ops.dct import dct, inverse_dct
from keras_sandwich.ops.rounding import round_straight_through
from keras_sandwich.ops.shapes import as_tensor, require_images

# Below it a flat block's DC, eight times its level, is no longer known: levels are rounded to whole ones.
LEAST_QSTEP = 8.0
# m = (16/Δ)³, at least 1: eight at the finest step, and from 16 on the base is all there is. So one number, the
# codec's step, names a rate, and each picture is coded finely or coarsely throughout.
COARSEST_ENHANCED = 16.0
MARGIN = (8.0, 4.0)  # levels kept free at both ends for what the chroma adds to red: 8 + 4·m
GREY = 128.0


def enhancement_gain(qstep: Any) -> Any:
    """m: how many times finer than the base the enhancement is at a quantizer step."""
    qstep = ops.maximum(ops.convert_to_tensor(qstep, "float32"), 1e-3)
    return ops.maximum((COARSEST_ENHANCED / ops.maximum(qstep, LEAST_QSTEP)) ** 3, 1.0)


def level_span(qstep: Any) -> Any:
    """How many of the 255 levels of the luma the plane's range takes."""
    return 255.0 - 2.0 * (MARGIN[0] + MARGIN[1] * enhancement_gain(qstep))


def effective_step(qstep: Any) -> Any:
    """The step at which the plane's own coefficients are coded, its range being [0, 255].

    Example:

    ```python
    import keras_sandwich as ks

    assert 1.4 < float(ks.ops.effective_step(8.0)) < 1.5  # an eighth, of 175 levels
    ```

    Args:
        qstep: the codec's quantizer step, of any shape.

    Returns:
        float32 of that shape.
    """
    qstep = ops.convert_to_tensor(qstep, "float32")
    return qstep / enhancement_gain(qstep) * (255.0 / level_span(qstep))


def encode_quality_layers(plane: Any, qstep: Any) -> Any:
    """A plane as RGB: its base in the luma, its enhancement in the chroma.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    depth = np.random.default_rng(0).uniform(0, 255, (1, 1, 1, 1)) * np.ones(
        (1, 16, 24, 1), "float32"
    )
    pixels = ks.ops.encode_quality_layers(depth, 8.0)
    assert pixels.shape == (1, 16, 24, 3)
    decoded = ks.ops.decode_quality_layers(np.round(pixels), 8.0)
    assert np.allclose(decoded, depth, atol=0.1)
    ```

    Args:
        plane: [batch, height, width, 1] in [0, 255], height and width multiples of 8; of any fineness. The gradient is
            that of rounding straight through.
        qstep: the quantizer step at which the codec codes the result, at least 8; a scalar or one per plane, [batch].

    Returns:
        [batch, height, width, 3] float32, meant for [0, 255] but not clipped.

    Raises:
        ValueError: another shape.
    """
    plane = require_images(plane, "plane")
    if plane.shape[-1] != 1:
        raise ValueError(
            f"Expected a plane [batch, height, width, 1]. Received shape {tuple(plane.shape)}; code each channel alone."
        )
    qstep = _of_blocks(qstep)
    gain, span = enhancement_gain(qstep), level_span(qstep)
    coefficients = dct((cut_plane(plane[..., 0]) - 127.5) * (span / 255.0) - 0.5) / qstep
    base = round_straight_through(coefficients)
    remainder = coefficients - ops.stop_gradient(base)
    enhancement = ops.round(ops.stop_gradient(remainder) * gain) * ops.cast(gain > 1.0, "float32")
    luma = join_blocks(inverse_dct(base * qstep)) + GREY
    cr = join_blocks(inverse_dct(enhancement * qstep))
    return ops.stack(red_green_blue(luma, ops.zeros_like(cr), cr), axis=-1)


def decode_quality_layers(pixels: Any, qstep: Any) -> Any:
    """The plane of `encode_quality_layers`, from what the codec decoded.

    Args:
        pixels: [batch, height, width, 3] in [0, 255], height and width multiples of 8.
        qstep: as it was encoded with.

    Returns:
        [batch, height, width, 1] float32, in [0, 255] but for the codec's overshoot.
    """
    pixels = require_images(as_tensor(pixels), "pixels")
    qstep = _of_blocks(qstep)
    gain, span = enhancement_gain(qstep), level_span(qstep)
    luma, _, cr = luma_and_differences(*planes_of(pixels))
    base = round_straight_through(dct(cut_plane(luma) - GREY) / qstep)
    enhancement = round_straight_through(dct(cut_plane(cr)) / qstep)
    samples = join_blocks(inverse_dct((base + enhancement / gain) * qstep))
    span = span[..., 0, 0]
    return ((samples + 0.5) * (255.0 / span) + 127.5)[..., None]


def block_means(plane: Any) -> Any:
    """Each 8×8 block's mean for each of its pixels, of [batch, height, width, 1]."""
    blocks = cut_plane(plane[..., 0])
    means = ops.mean(blocks, axis=(-2, -1), keepdims=True)
    return join_blocks(ops.broadcast_to(means, ops.shape(blocks)))[..., None]


def _of_blocks(qstep: Any) -> Any:
    """A step, or one per plane, for blocks [batch, rows, columns, 8, 8]."""
    qstep = ops.maximum(ops.convert_to_tensor(qstep, "float32"), 1e-3)
    return ops.reshape(qstep, (-1, 1, 1, 1, 1))
