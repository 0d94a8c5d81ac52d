"""The search over a codec's strengths for a size: by bisection, as files become smaller with the strength.

A strength is named by its number, from 0 for the weakest. `size` says how large its file is, of one picture or of
several; it is asked for few of them, for some more than once, so let it remember (`functools.cache`).
"""

import math
from collections.abc import Callable

# Sizes fall with the strength but for small bumps: so many weaker strengths than the first that fits are tried too.
NEIGHBOURS = 3

Size = Callable[[int], float]


class UnreachableTarget(ValueError):
    """No strength gives a file as small as asked for. Carries the smallest and the largest size seen."""

    def __init__(self, smallest: float, largest: float) -> None:
        super().__init__(smallest, largest)
        self.smallest = smallest
        self.largest = largest


def first_within(size: Size, count: int, limit: float) -> int:
    """The first of `count` strengths whose size is at most `limit`, were sizes to fall; `count` if none is."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if size(middle) <= limit else (middle + 1, high)
    return low


def largest_within(size: Size, count: int, limit: float, neighbours: int = NEIGHBOURS) -> int:
    """The strength of the largest file of at most `limit`, of equal ones the weakest.

    Args:
        size: number of a strength to the size of its file.
        count: number of strengths.
        limit: most of size.
        neighbours: weaker strengths tried beyond the one that bisection finds.

    Raises:
        UnreachableTarget: no file fits.
    """
    seen: dict[int, float] = {}

    def noted(index: int) -> float:
        seen[index] = size(index)
        return seen[index]

    first = first_within(noted, count, limit)
    for index in range(max(first - neighbours, 0), first):
        noted(index)
    fitting = [index for index, found in seen.items() if found <= limit]
    if not fitting:
        noted(0)
        raise UnreachableTarget(min(seen.values()), max(seen.values()))
    return max(fitting, key=lambda index: (seen[index], -index))


def smallest_reaching(size: Size, count: int, least: float) -> int:
    """The strength of the smallest file of at least `least`; the weakest where no file is as large."""
    index = min(first_within(size, count, least), count - 1)
    return index - 1 if index > 0 and size(index) < least else index


def nearest(size: Size, count: int, target: float) -> int:
    """The strength whose size is nearest to `target` in ratio."""

    def distance(index: int) -> float:
        return abs(math.log(max(size(index), 1.0) / max(target, 1.0)))

    first = first_within(size, count, target)
    return min((max(first - 1, 0), min(first, count - 1)), key=distance)
