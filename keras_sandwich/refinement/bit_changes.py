"""How many bits a JPEG file gains or loses when one of its coefficients changes by one."""

from collections.abc import Sequence

import numpy as np

from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.quantization import ZIGZAG

STEPS = (-1, 1)  # what a coefficient may change by
AC = BLOCK * BLOCK - 1
RUN, SIZES = (
    16,
    16,
)  # zeros that one symbol counts, and categories of values (T.81 Tables F.1 and F.2)
UNSEEN = 0.25  # of a symbol: what its count is taken for, so that it has a length


def bit_changes(planes: Sequence[np.ndarray], scans: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The bits that each coefficient's change by −1 and by +1 costs, all others left as they are.

    Of the symbols that stand before and after the change: its own run and category, the run of the next coefficient
    that is not zero, the end of the block (T.81 F.1.2.2); for DC its difference and the next one's (F.1.2.1). A symbol
    is as long as its information, which is what Huffman tables made for the picture come near to.

    Args:
        planes: of the components that share Huffman tables: indices [rows, columns, 8, 8], integers.
        scans: of each plane the order of its blocks in the scan, as places in rows · columns.

    Returns:
        Of each plane [2, rows, columns, 8, 8] float64, for the steps −1 and +1.
    """
    zigzags = [np.reshape(plane, (-1, AC + 1))[:, ZIGZAG].astype("int64") for plane in planes]
    blocks = np.concatenate(zigzags)
    ordered = [zigzag[scan, 0] for zigzag, scan in zip(zigzags, scans, strict=True)]
    lengths = _lengths(_categories(np.concatenate([np.diff(dc, prepend=0) for dc in ordered])))
    changes = np.empty((len(STEPS), *blocks.shape))
    changes[..., 1:] = _ac_changes(blocks[:, 1:])
    results = []
    for plane, scan, dc in zip(planes, scans, ordered, strict=True):
        own, changes = np.split(changes, [len(dc)], axis=1)
        own[:, scan, 0] = _dc_changes(dc, lengths)
        raster = np.empty_like(own)
        raster[..., ZIGZAG] = own
        results.append(raster.reshape(len(STEPS), *plane.shape))
    return results


def _categories(values: np.ndarray) -> np.ndarray:
    """How many bits a value's magnitude has: T.81 Tables F.1 and F.2."""
    return np.asarray(np.frexp(np.abs(values).astype("float64"))[1], "int64")


def _lengths(symbols: np.ndarray, size: int = SIZES) -> np.ndarray:
    """Bits of each symbol, by how often it occurs."""
    counts = np.bincount(symbols.ravel(), minlength=size) + UNSEEN
    return np.asarray(np.log2(counts.sum() / counts))


def _dc_changes(dc: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """[2, blocks] of DC indices in scan order."""

    def cost(differences: np.ndarray) -> np.ndarray:
        categories = np.minimum(_categories(differences), SIZES - 1)
        return np.asarray(lengths[categories] + categories)

    difference = np.diff(dc, prepend=0)
    now, following = cost(difference), difference[1:]
    changes = np.stack([cost(difference + step) - now for step in STEPS])
    for number, step in enumerate(STEPS):
        changes[number, :-1] += cost(following - step) - now[1:]
    return changes


def _ac_changes(indices: np.ndarray) -> np.ndarray:
    """[2, blocks, 63] of indices [blocks, 63] in zigzag order."""
    place = np.arange(AC)
    none = np.full((len(indices), 1), AC)
    # The places of the coefficients before and after that are not zero; −1 and 63 where there are none.
    last = np.maximum.accumulate(np.where(indices != 0, place, -1), axis=1)
    before = np.concatenate([none * 0 - 1, last[:, :-1]], axis=1)
    first = np.minimum.accumulate(np.where(indices != 0, place, AC)[:, ::-1], axis=1)[:, ::-1]
    after = np.concatenate([first[:, 1:], none], axis=1)
    categories = _categories(indices)
    coded = indices != 0
    runs = (place - before - 1)[coded]
    ended = np.count_nonzero(last[:, -1] < AC - 1)
    symbols = [
        RUN * categories[coded] + runs % RUN,
        np.full(np.sum(runs // RUN), RUN - 1),  # ZRL
        np.zeros(ended, "int64"),  # EOB
    ]
    lengths = _lengths(np.concatenate(symbols), RUN * SIZES).reshape(SIZES, RUN)
    end_of_block, sixteen_zeros = lengths[0, 0], lengths[0, RUN - 1]

    def cost(run: np.ndarray, category: np.ndarray) -> np.ndarray:
        return np.asarray(lengths[category, run % RUN] + category + run // RUN * sixteen_zeros)

    next_category = np.take_along_axis(np.concatenate([categories, none * 0], axis=1), after, 1)

    def rest(start: np.ndarray) -> np.ndarray:
        """What follows a coefficient, the last before it that is not zero being at `start`."""
        ends = np.where(start < AC - 1, end_of_block, 0.0)
        return np.where(after < AC, cost(after - start - 1, next_category), ends)

    zero, behind = rest(before), rest(np.broadcast_to(place, indices.shape))

    def total(values: np.ndarray) -> np.ndarray:
        return np.where(values == 0, zero, cost(place - before - 1, _categories(values)) + behind)

    now = total(indices)
    return np.stack([total(indices + step) - now for step in STEPS])
