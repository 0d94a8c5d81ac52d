import numpy as np
import pytest

import keras_sandwich as ks


def pictures(count=3, channels=1):
    places = np.arange(40 * 50 * channels, dtype="uint16").reshape(40, 50, channels)
    return [places + 5000 * number for number in range(count)]


def test_crops_are_windows_of_the_pictures():
    dataset = ks.datasets.ArrayCrops(pictures(), crop_size=16, batch_size=3, augment=False, seed=1)
    for crop in dataset[0]:
        number = int(crop[0, 0, 0]) // 5000
        top, left = divmod(int(crop[0, 0, 0]) - 5000 * number, 50)
        np.testing.assert_array_equal(
            crop, pictures()[number][top : top + 16, left : left + 16].astype("float32")
        )


def test_a_batch_is_a_function_of_seed_epoch_and_index():
    first, again, other = (
        ks.datasets.ArrayCrops(pictures(), crop_size=8, seed=seed).batch(0, epoch=2)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ([np.zeros((9, 9))], {}, "one number of channels"),
        ([np.zeros((9, 9, 1)), np.zeros((9, 9, 3))], {}, "one number of channels"),
        ([], {}, "Received 0"),
        ([np.zeros((9, 9, 1))], {"crop_size": 10}, "at least crop_size=10"),
        ([np.full((9, 9, 1), np.nan)], {}, r"depth\.fill_holes"),
    ],
)
def test_what_cannot_be_cropped_is_refused(given, options, words):
    with pytest.raises(ValueError, match=words):
        ks.datasets.ArrayCrops(given, **options)
