import numpy as np
import pytest
from float64_motion import warped

from keras_sandwich.datasets import moving_photographs, sample_images

PHOTOGRAPHS = sample_images("test")[:3]


def test_the_motion_is_that_of_the_pixels():
    """Each frame is the one before, moved by the flow: to a few levels, which are blur and what was hidden."""
    clips, flow = moving_photographs(PHOTOGRAPHS, number=2, frames=3, size=64, seed=3)
    inside = slice(8, -8), slice(8, -8)
    for clip, own in zip(clips, flow, strict=True):
        for t in (1, 2):
            moved = warped(clip[t - 1][None], own[t - 1][None])[0]
            error = np.median(np.abs(moved - clip[t])[inside])
            still = np.median(np.abs(clip[t - 1].astype(float) - clip[t])[inside])
            assert error <= min(2.0, still / 2)
    assert np.linalg.norm(flow, axis=-1).max() > 1.5


def test_the_same_for_the_same_seed():
    def made(seed, number=2):
        return moving_photographs(PHOTOGRAPHS, number=number, frames=2, size=24, seed=seed)

    clips, flow = made(1)
    again, _ = made(1, number=3)
    assert np.array_equal(again[:2], clips)
    assert not np.array_equal(again[1], again[2])
    assert not np.array_equal(made(2)[0], clips)
    assert (clips.dtype, flow.dtype) == (np.uint8, np.float32)


def test_small_photographs_are_mirrored():
    flat = np.full((16, 16, 3), 90, "uint8")
    clips, _ = moving_photographs([flat], number=4, frames=2, size=64, seed=0)
    assert np.array_equal(clips, np.full_like(clips, 90))  # also where two layers meet, and outside
    with pytest.raises(ValueError, match="at least one picture"):
        moving_photographs([])
    with pytest.raises(ValueError, match="`frames` must be a positive integer"):
        moving_photographs([flat], frames=0)
