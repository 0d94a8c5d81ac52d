"""Motion written once more, from its definitions, in float64 NumPy."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np


def warped(frames: Any, flow: Any) -> np.ndarray:
    """Sample by sample: the four neighbours, of which those outside are zero."""
    frames, flow = np.asarray(frames, "float64"), np.asarray(flow, "float64")
    result = np.zeros_like(frames)
    batch, height, width, _ = frames.shape
    for b, y, x in np.ndindex(batch, height, width):
        row, column = y + flow[b, y, x, 0], x + flow[b, y, x, 1]
        for i in (int(np.floor(row)), int(np.floor(row)) + 1):
            for j in (int(np.floor(column)), int(np.floor(column)) + 1):
                if 0 <= i < height and 0 <= j < width:
                    weight = (1 - abs(row - i)) * (1 - abs(column - j))
                    result[b, y, x] += weight * frames[b, i, j]
    return result


def sampled(reference: Any, row: float, column: float, height: int, width: int) -> np.ndarray:
    """A block of the reference, float64, at any place: bilinear, zeros outside."""
    top, left = int(np.floor(row)), int(np.floor(column))
    edges = ((20, 40), (20, 40), (0, 0))
    padded = np.pad(np.asarray(reference, "float64"), edges)
    cut = padded[top + 20 : top + 21 + height, left + 20 : left + 21 + width]
    down, across = row - top, column - left
    lines = (1 - down) * cut[:-1] + down * cut[1:]
    return (1 - across) * lines[:, :-1] + across * lines[:, 1:]


def searched(
    frame: Any, reference: Any, size: int, radius: int, precision: int, weight: float
) -> np.ndarray:
    """All whole displacements, then all finer ones around the best."""
    height, width, _ = frame.shape

    def cost(y: int, x: int, vector: Any) -> float:
        block = frame[y : y + size, x : x + size].astype("float64")
        found = sampled(reference, y + vector[0], x + vector[1], *block.shape[:2])
        bits = sum(len(exp_golomb(int(v * precision))) for v in vector)
        return np.sum((block - found) ** 2) + weight * bits

    def best(y: int, x: int, around: Any, steps: Sequence[float]) -> Any:
        pairs = [(around[0] + a, around[1] + b) for a, b in itertools.product(steps, steps)]
        return min(pairs, key=lambda vector: cost(y, x, vector))

    rows, columns = range(0, height, size), range(0, width, size)
    vectors = np.zeros((len(rows), len(columns), 2))
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            whole = best(y, x, (0, 0), range(-radius, radius + 1))
            finer = np.arange(1 - precision, precision) / precision
            vectors[i, j] = best(y, x, whole, finer)
    return vectors


def exp_golomb(value: int) -> str:
    """The signed Exp-Golomb code, as a string of bits."""
    number = 2 * value - 1 if value > 0 else -2 * value
    binary = format(number + 1, "b")
    return "0" * (len(binary) - 1) + binary


def written(units: np.ndarray, coded: np.ndarray) -> str:
    """Each block's displacement after its prediction, one block after the other."""
    rows, columns, _ = units.shape
    bits = ""
    for y, x in np.ndindex(rows, columns):
        if not coded[y, x]:
            continue
        places = [(y, x - 1), (y - 1, x), (y - 1, x + 1 if x + 1 < columns else x - 1)]
        inside = [0 <= i < rows and 0 <= j < columns for i, j in places]
        usable = [there and coded[place] for there, place in zip(inside, places, strict=True)]
        neighbours = [
            units[place] if use else np.zeros(2, int)
            for use, place in zip(usable, places, strict=True)
        ]
        alone = sum(usable) == 1
        prediction = neighbours[usable.index(True)] if alone else np.median(neighbours, axis=0)
        bits += "".join(exp_golomb(int(v)) for v in units[y, x] - prediction)
    return bits
