import itertools

import pytest

from keras_sandwich.inference.windows import plan_windows, shifted_range
from keras_sandwich.models.receptive_field import ReceptiveField

SIZES = (1, 7, 31, 32, 33, 40, 63, 64, 65, 97, 128, 200)


def same(result):
    return result


@pytest.mark.parametrize(("radius", "grid"), [(0, 1), (5, 1), (7, 4), (3, 16), (40, 8)])
@pytest.mark.parametrize("tile", [5, 16, 32])
def test_every_result_has_what_it_depends_on(radius, grid, tile):
    for size in SIZES:
        windows = plan_windows(size, size, tile, ReceptiveField(radius, grid), same)
        results = [window.result for window in windows]
        assert results[0][0] == 0
        assert results[-1][1] == size
        assert all(a[1] == b[0] for a, b in itertools.pairwise(results))
        for (start, end), result in windows:
            assert start % grid == 0
            assert end == size or end % grid == 0
            assert 0 <= start <= max(result[0] - radius, 0)
            assert min(result[1] + radius, size) <= end <= size


@pytest.mark.parametrize(("radius", "grid", "tile"), [(7, 4, 64), (12, 8, 64), (0, 1, 100)])
def test_few_lengths_for_all_sizes(radius, grid, tile):
    longest = tile + 2 * radius + grid - 1
    longest += -longest % grid
    quarter = -(-longest // (4 * grid)) * grid
    for size in range(1, 6 * tile):
        windows = plan_windows(size, size, tile, ReceptiveField(radius, grid), same)
        lengths = [end - start for (start, end), _ in windows]
        if size <= longest:
            assert lengths == [size]
            continue
        lacking = -size % grid
        for length, ((_, end), _) in zip(lengths, windows, strict=True):
            if end < size:
                assert length == longest
            else:
                assert length + lacking == longest or (length + lacking) % quarter == 0
        # Not much of the picture is seen twice for it.
        assert sum(lengths) <= size + len(windows) * (longest - tile) + 2 * quarter


def test_results_of_another_size():
    def support(result):
        return max(2 * result[0] - 3, 0), min(2 * result[1] + 3, 101)

    windows = plan_windows(101, 50, 16, ReceptiveField(4, 8), support)
    for (start, end), result in windows:
        assert start <= max(2 * result[0] - 7, 0)
        assert end >= min(2 * result[1] + 7, 101)
    assert [window.result for window in windows] == [(0, 16), (16, 32), (32, 48), (48, 50)]


def test_shifted_ranges():
    assert shifted_range((3, 7), 6, 20) == (3, 9)
    assert shifted_range((15, 19), 6, 20) == (14, 20)
    assert shifted_range((15, 19), 2, 20) == (15, 19)
    assert shifted_range((0, 4), 9, 5) == (0, 5)
