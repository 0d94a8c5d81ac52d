"""The weakest strength whose file fits, found on real files."""

from collections.abc import Callable
from dataclasses import dataclass

# Sizes fall with the strength but for small bumps: so many weaker strengths than the first that fits are tried too.
NEIGHBOURS = 3


@dataclass(frozen=True)
class Fit:
    """The largest file that fits, of those tried."""

    index: int
    file: bytes


class UnreachableTarget(ValueError):
    """No strength gives a file as small as asked for. Carries the smallest and the largest size seen."""

    def __init__(self, smallest: int, largest: int) -> None:
        super().__init__(smallest, largest)
        self.smallest = smallest
        self.largest = largest


def largest_within(
    count: int, encode: Callable[[int], bytes], limit: int, neighbours: int = NEIGHBOURS
) -> Fit:
    """Bisects over `count` strengths, increasing, for the largest file of at most `limit` bytes.

    Args:
        count: number of strengths.
        encode: number of a strength, from 0 for the weakest, to its file.
        limit: most bytes.
        neighbours: weaker strengths tried beyond the one that bisection finds.

    Returns:
        The file and the number of its strength.

    Raises:
        UnreachableTarget: no file fits.
    """
    sizes: dict[int, int] = {}
    best: Fit | None = None

    def fits(index: int) -> bool:
        nonlocal best
        file = encode(index)
        sizes[index] = len(file)
        if len(file) > limit:
            return False
        if best is None or (len(file), -index) > (len(best.file), -best.index):
            best = Fit(index, file)
        return True

    too_large, small_enough = -1, count
    while small_enough - too_large > 1:
        middle = (too_large + small_enough) // 2
        if fits(middle):
            small_enough = middle
        else:
            too_large = middle
    for index in range(max(small_enough - neighbours, 0), small_enough):
        if index not in sizes:
            fits(index)
    if best is None and 0 not in sizes:
        fits(0)
    if best is None:
        raise UnreachableTarget(min(sizes.values()), max(sizes.values()))
    return best
