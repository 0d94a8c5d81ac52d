"""Motion search: for each block of a frame, where in the reference it is found again."""

from collections.abc import Callable, Iterable
from typing import Any

from keras import ops

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich.ops.blocks import pad_with_zeros, repeat_blocks, sum_blocks
from keras_sandwich.ops.motion_bits import PRECISIONS, signed_bits
from keras_sandwich.ops.shapes import require_images


def match_blocks(
    frames: Any,
    reference: Any,
    block_size: int = 16,
    search_radius: int = 8,
    precision: int = 4,
    rate_weight: Any = 0.0,
) -> Any:
    """The displacement at which each block's sum of squared differences to the reference is smallest.

    All whole displacements of the window are tried, then all finer ones within less than a sample of the best, on
    samples between interpolated bilinearly, as `warp` does. Of equal ones the shorter is taken. What lies outside the
    reference counts as zero. The result has no gradient.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    reference = np.random.default_rng(0).uniform(0, 255, (1, 32, 48, 1)).astype("float32")
    frames = np.roll(reference, (3, -2), axis=(1, 2))
    vectors = ks.ops.match_blocks(frames, reference)
    assert vectors.shape == (1, 2, 3, 2) and np.array_equal(vectors[0, 1, 1], [-3, 2])
    ```

    Args:
        frames: [batch, height, width, channels].
        reference: of the same shape: the decoded frame before, say.
        block_size: pixels of a block's side; blocks at the bottom and the right may be cut short.
        search_radius: the largest whole displacement in each direction, in pixels.
        precision: displacements are multiples of 1/precision pixel: 1, 2 or 4.
        rate_weight: what a bit of a displacement costs, in squared pixel levels; a scalar or one per image, [batch].
            A displacement's bits are those of `motion_bits` with no neighbours. An encoder that optimises rate and
            distortion takes about 0.13·step² (Sullivan and Wiegand, "Rate-distortion optimization for video
            compression", 1998).

    Returns:
        [batch, ⌈height/block_size⌉, ⌈width/block_size⌉, 2] float32, in pixels: rows (down), columns (to the right).

    Raises:
        ValueError: frames and reference of other ranks or shapes, or an argument out of its range.
    """
    require_integers(block_size=block_size, search_radius=search_radius)
    require_option(precision, PRECISIONS, "precision")
    frames, reference = require_images(frames, "frames"), require_images(reference, "reference")
    if tuple(frames.shape[1:]) != tuple(reference.shape[1:]):
        raise ValueError(
            "`frames` and `reference` must have one shape. "
            f"Received {tuple(frames.shape)} and {tuple(reference.shape)}."
        )
    frames, reference = ops.stop_gradient(frames), ops.stop_gradient(reference)
    weight = ops.reshape(ops.convert_to_tensor(rate_weight, "float32"), (-1, 1, 1, 1))
    vectors = _whole(frames, reference, block_size, search_radius, precision, weight)
    if precision > 1:
        vectors = vectors + _finer(frames, reference, vectors, block_size, precision, weight)
    return ops.stop_gradient(vectors)


def _whole(
    frames: Any, reference: Any, block_size: int, radius: int, precision: int, weight: Any
) -> Any:
    """The best whole displacement of each block."""
    _, height, width, channels = ops.shape(frames)
    steps = list(range(-radius, radius + 1))
    number = len(steps)
    padded = ops.pad(reference, ((0, 0), (radius, radius), (radius, radius), (0, 0)))
    rows = ops.arange(height, dtype="int32")
    columns = _starts(range(number)) + ops.arange(width, dtype="int32")
    bits = _bits(ops.convert_to_tensor([step * precision for step in steps], "int32"))

    def costs(down: Any) -> Any:
        lines = ops.take(padded, down + rows, axis=1)
        lines = ops.take(lines, ops.reshape(columns, (-1,)), axis=2)
        differences = frames[:, :, None] - ops.reshape(lines, (-1, height, number, width, channels))
        errors = ops.sum(differences * differences, axis=-1)
        errors = ops.transpose(errors, (0, 1, 3, 2))  # the displacements as channels
        return sum_blocks(errors, block_size) + weight * (ops.take(bits, down) + bits)

    return _cheapest(costs, steps)


def _finer(
    frames: Any, reference: Any, vectors: Any, block_size: int, precision: int, weight: Any
) -> Any:
    """What brings each block nearer, from the best whole displacement: less than a sample each way."""
    _, rows, columns, _ = ops.shape(vectors)
    steps = list(range(1 - precision, precision))
    own = _cut(frames, rows, columns, block_size)
    there = _cut(ops.ones_like(frames[..., :1]), rows, columns, block_size)[..., 0]
    patches = _patches(reference, vectors, block_size)
    side, channels = block_size + 2, frames.shape[-1]
    # Blocks in a row: arrays of more axes are slow.
    own, patches = (ops.reshape(x, (-1, *x.shape[3:5], channels)) for x in (own, patches))
    there = ops.reshape(there, (-1, block_size, 1, block_size))
    begins = [1 + step // precision for step in steps]
    parts = ops.convert_to_tensor([step % precision / precision for step in steps], "float32")
    along = ops.arange(block_size, dtype="int32")
    across = ops.reshape(_starts(begins) + along, (-1,))
    units = ops.cast(ops.round(vectors * precision), "int32")
    bits = [
        _bits(units[..., axis, None] + ops.convert_to_tensor(steps, "int32")) for axis in (0, 1)
    ]
    begins = ops.convert_to_tensor(begins, "int32")

    def costs(down: Any) -> Any:
        begin = ops.take(begins, down) + along
        lines = _between(patches, begin, ops.take(parts, down), axis=1)
        lines = ops.reshape(lines, (-1, block_size, side, channels))
        samples = _between(lines, across, ops.repeat(parts, block_size)[:, None], axis=2)
        samples = ops.reshape(samples, (-1, block_size, len(steps), block_size, channels))
        differences = own[:, :, None] - samples
        errors = ops.sum(differences * differences, axis=-1) * there
        errors = ops.reshape(ops.sum(errors, axis=(1, 3)), (-1, rows, columns, len(steps)))
        return errors + weight * (ops.take(bits[0], down, axis=-1)[..., None] + bits[1])

    return _cheapest(costs, steps) / precision


def _between(samples: Any, begin: Any, part: Any, axis: int) -> Any:
    """Samples from `begin` on, and by a part on the way to their next."""
    before = ops.take(samples, begin, axis=axis)
    return before + part * (ops.take(samples, begin + 1, axis=axis) - before)


def _starts(places: Iterable[int]) -> Any:
    return ops.convert_to_tensor(list(places), "int32")[:, None]


def _bits(units: Any) -> Any:
    return ops.cast(signed_bits(units), "float32")


def _cut(images: Any, rows: Any, columns: Any, block_size: int) -> Any:
    """[batch, rows, columns, block_size, block_size, channels], with zeros behind the edges."""
    images = pad_with_zeros(images, rows * block_size, columns * block_size)
    channels = images.shape[-1]
    images = ops.reshape(images, (-1, rows, block_size, columns, block_size, channels))
    return ops.transpose(images, (0, 1, 3, 2, 4, 5))


def _patches(reference: Any, vectors: Any, block_size: int) -> Any:
    """What whole vectors point to, with a border of one sample: [batch, rows, columns, side, side, channels]."""
    batch, height, width, channels = ops.shape(reference)
    _, rows, columns, _ = ops.shape(vectors)
    padded = ops.reshape(ops.pad(reference, ((0, 0), (1, 1), (1, 1), (0, 0))), (-1, channels))

    def indices(axis: int, number: Any, size: Any) -> Any:
        shape = (1, -1, 1, 1) if axis == 0 else (1, 1, -1, 1)
        corners = ops.reshape(ops.arange(number, dtype="int32") * block_size, shape)
        corners = corners + ops.cast(ops.round(vectors[..., axis, None]), "int32")
        # With the border: one further. What is further out reads the border too, which is zero.
        places = corners + ops.arange(block_size + 2, dtype="int32")
        return ops.clip(places, 0, size + 1)

    down, across = indices(0, rows, height), indices(1, columns, width)
    first = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1, 1))
    lines = (first * (height + 2) + down) * (width + 2)
    return ops.take(padded, lines[..., None] + across[:, :, :, None], axis=0)


def _cheapest(costs: Callable[[Any], Any], steps: list[int]) -> Any:
    """The pair of steps, [batch, rows, columns, 2], of the lowest cost; the shortest of equal ones.

    `costs` gives those of all steps across, [batch, rows, columns, steps], for the place of one step down: these one
    after the other, which bounds the memory, and by the backend's own loop, which is compiled once.
    """
    number = len(steps)
    found = ops.map(costs, ops.arange(number, dtype="int32"))
    _, _, rows, columns, _ = ops.shape(found)
    found = ops.reshape(ops.transpose(found, (1, 2, 3, 0, 4)), (-1, rows, columns, number**2))
    pairs = [(down, across) for down in steps for across in steps]
    order = sorted(range(number**2), key=lambda place: sum(step**2 for step in pairs[place]))
    found = ops.take(found, ops.convert_to_tensor(order, "int32"), axis=-1)
    shortest_first = ops.convert_to_tensor([pairs[place] for place in order], "float32")
    return ops.take(shortest_first, ops.argmin(found, axis=-1), axis=0)


def vectors_to_flow(vectors: Any, size: Any, block_size: int) -> Any:
    """The flow of every pixel, which `warp` takes, from one vector for each block.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    flow = ks.ops.vectors_to_flow(np.ones((1, 2, 3, 2), "float32"), (24, 40), block_size=16)
    assert flow.shape == (1, 24, 40, 2)
    ```

    Args:
        vectors: [batch, rows, columns, 2], as `match_blocks` returns them.
        size: (height, width) of the frames.
        block_size: pixels of a block's side.

    Returns:
        [batch, height, width, 2] float32.
    """
    return repeat_blocks(require_images(vectors, "vectors"), size, block_size)
