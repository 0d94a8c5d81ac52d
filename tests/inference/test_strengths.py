import functools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sandwich.inference.strengths import (
    NEIGHBOURS,
    UnreachableTarget,
    first_within,
    largest_within,
    nearest,
    smallest_reaching,
)


def searched(sizes, limit, search=largest_within):
    tried = []

    @functools.cache
    def size(index):
        tried.append(index)
        return sizes[index]

    return search(size, len(sizes), limit), tried


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60), st.integers(1, 400))
@settings(max_examples=200, deadline=None)
def test_falling_sizes_are_searched_exactly(sizes, limit):
    sizes = sorted(sizes, reverse=True)
    fitting = [index for index, size in enumerate(sizes) if size <= limit]
    if not fitting:
        with pytest.raises(UnreachableTarget) as caught:
            searched(sizes, limit)
        assert (caught.value.smallest, caught.value.largest) == (sizes[-1], sizes[0])
        return
    fit, tried = searched(sizes, limit)
    assert fit == fitting[0]
    assert len(tried) == len(set(tried)) <= 6 + NEIGHBOURS


def test_a_bump_does_not_hide_the_larger_file():
    # Bisection alone ends at index 4, or at 1 if it happens to look there first.
    sizes = [100, 90, 80, 84, 60, 50, 40, 30]
    fit, _ = searched(sizes, 81)
    assert fit == 2


def test_a_bump_at_the_end_is_found():
    fit, _ = searched([100, 90, 40, 45, 44], 42)
    assert fit == 2


def test_of_equal_files_the_weakest_strength():
    fit, _ = searched([9, 5, 5, 5, 5, 5, 3], 5)
    assert fit == 1


def test_one_strength():
    assert searched([7], 7)[0] == 0
    with pytest.raises(UnreachableTarget):
        searched([7], 6)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=60), st.integers(1, 400))
@settings(max_examples=200, deadline=None)
def test_other_goals_on_falling_sizes(sizes, target):
    sizes = sorted(sizes, reverse=True)
    first, tried = searched(sizes, target, first_within)
    assert first == sum(size > target for size in sizes)
    assert len(tried) <= 6
    reaching, _ = searched(sizes, target, smallest_reaching)
    large = [size for size in sizes if size >= target]
    assert sizes[reaching] == (min(large) if large else sizes[0])
    close, _ = searched(sizes, target, nearest)
    ratios = [abs(math.log(size / target)) for size in sizes]
    assert ratios[close] == min(ratios)
