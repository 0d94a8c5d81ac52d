"""Changes of bits beside a count of all symbols, before and after, one block after the other."""

from collections import Counter

import numpy as np

from keras_sandwich.ops.quantization import ZIGZAG
from keras_sandwich.refinement.bit_changes import bit_changes

RANDOM = np.random.default_rng(3)


def planes_of_indices():
    """Two components' indices, as photographs have them: fewer the higher the frequency; and one of every length."""
    decay = np.add.outer(np.arange(8), np.arange(8))
    first = np.round(RANDOM.laplace(size=(2, 4, 8, 8)) * 6 / (1 + decay**1.3)).astype("int64")
    second = np.round(RANDOM.laplace(size=(1, 2, 8, 8)) * 2 / (1 + decay)).astype("int64")
    first[0, 0] = 0
    first[0, 1, 7, 7] = 1  # no end of block, and runs of sixteen
    return [first, second]


def symbols(planes, scans):
    """(DC categories, (run, category) of AC) by T.81 F.1.2, and the bits of the values themselves."""
    dc, ac, extra = [], [], 0
    for plane, scan in zip(planes, scans, strict=True):
        previous = 0
        for block in plane.reshape(-1, 64)[scan]:
            values = [int(v) for v in block[ZIGZAG]]
            category = abs(values[0] - previous).bit_length()
            previous = values[0]
            dc.append(category)
            extra += category
            run = 0
            for value in values[1:]:
                if value == 0:
                    run += 1
                    continue
                while run > 15:
                    ac.append((15, 0))
                    run -= 16
                category = abs(value).bit_length()
                ac.append((run, category))
                extra += category
                run = 0
            if run:
                ac.append((0, 0))
    return dc, ac, extra


def information(found, size):
    counts = Counter(found)
    total = len(found) + 0.25 * size
    return lambda symbol: np.log2(total / (counts[symbol] + 0.25))


def test_changes_are_those_of_a_whole_count():
    planes = planes_of_indices()
    scans = [np.array([0, 1, 4, 5, 2, 3, 6, 7]), np.arange(2)]
    dc, ac, _ = symbols(planes, scans)
    of_dc, of_ac = information(dc, 16), information(ac, 256)

    def bits():
        dc, ac, extra = symbols(planes, scans)
        return sum(map(of_dc, dc)) + sum(map(of_ac, ac)) + extra

    before = bits()
    changes = bit_changes(planes, scans)
    for plane, found in zip(planes, changes, strict=True):
        for place in np.ndindex(plane.shape):
            for step, change in zip((-1, 1), found[(slice(None), *place)], strict=True):
                plane[place] += step
                expected = bits() - before
                plane[place] -= step
                assert abs(change - expected) < 1e-8, (place, step)
