"""The epoch that a dataset is told, seen by the dataset itself."""

import keras
import numpy as np
import pytest

from keras_sandwich.callbacks import SynchronizeEpoch


class Batches(keras.utils.PyDataset):
    """Two batches an epoch, and a note of the epoch that each was asked for in."""

    epoch = 0

    def __init__(self):
        super().__init__()
        self.asked = []

    def __len__(self):
        return 2

    def __getitem__(self, number):
        self.asked.append(self.epoch)
        return np.zeros((1, 1)), np.zeros((1, 1))


def test_a_dataset_is_told_every_epoch_of_a_training_that_begins_later():
    dataset, model = Batches(), keras.Sequential([keras.layers.Dense(1)])
    model.build((None, 1))
    model.compile("sgd", "mse")
    model.fit(dataset, initial_epoch=3, epochs=5, verbose=0, callbacks=[SynchronizeEpoch(dataset)])
    assert set(dataset.asked[-4:]) == {3, 4}
    assert dataset.epoch == 4


def test_what_has_no_epoch_is_refused():
    with pytest.raises(ValueError, match=r"attribute `epoch`.*Received"):
        SynchronizeEpoch([1, 2])
