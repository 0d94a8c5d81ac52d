"""How an axis of a picture is cut into windows that a network sees one after the other."""

from collections.abc import Callable
from typing import NamedTuple

from keras_sandwich.models.receptive_field import ReceptiveField
from keras_sandwich.ops.shapes import ceil_multiple

Range = tuple[int, int]


class Window(NamedTuple):
    """The samples that a network is given, and those of its side's result that are right."""

    seen: Range
    result: Range


def plan_windows(
    size: int, results: int, tile: int, reach: ReceptiveField, support: Callable[[Range], Range]
) -> list[Window]:
    """Cuts an axis so that what a network makes of the windows is what it makes of the whole.

    A window has the network's radius around the samples that its results need, and begins on the network's grid; it
    ends on the grid too, or where the picture ends, as the network mirrors and pads there. All windows have the same
    length but those that end with the picture, whose length is a multiple of a quarter of it less what the picture's
    size lacks to the grid: a backend that compiles for each shape compiles for few. A picture that is not longer than
    a window is one.

    Args:
        size: of the axis that the network sees.
        results: samples of the result's axis, of which each window but the last makes `tile`.
        tile: at least 1.
        reach: of the network.
        support: from a range of results to the range of the network's samples that it is made of.

    Returns:
        Windows whose results follow one another from 0 to `results`.
    """
    ranges = [(start, min(start + tile, results)) for start in range(0, results, tile)]
    grid = reach.alignment
    supports = [support(result) for result in ranges]
    longest = max(end - start for start, end in supports) + 2 * reach.radius + grid - 1
    longest = ceil_multiple(longest, grid)
    if len(ranges) == 1 or longest >= size:
        return [Window((0, size), (0, results))]
    quarter = ceil_multiple(longest, 4 * grid) // 4
    windows = []
    for (start, _), result in zip(supports, ranges, strict=True):
        start = max(start - reach.radius, 0) // grid * grid
        if start + longest < size:
            windows.append(Window((start, start + longest), result))
            continue
        length = min(ceil_multiple(size - start, quarter), longest)
        # Earlier by what makes few lengths, still on the grid.
        windows.append(Window((ceil_multiple(size - length, grid), size), result))
    return windows


def shifted_range(wanted: Range, length: int, size: int) -> Range:
    """A range of `length` samples, or of all there are, that holds a shorter one."""
    length = min(max(length, wanted[1] - wanted[0]), size)
    start = min(wanted[0], size - length)
    return start, start + length
