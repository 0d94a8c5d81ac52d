"""Each kind of dataset against the list of batches that it was made of."""

import keras
import numpy as np
import pytest

from keras_sandwich.training.batches import Batches

BATCHES = [np.full((2, 4, 4, 3), value, "float32") for value in range(3)]


class Sequence(keras.utils.PyDataset):
    """Says what it is told and asked for."""

    def __init__(self, batches):
        super().__init__()
        self.batches, self.events = batches, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        self.events.append(index)
        return self.batches[index]

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


def firsts(batches):
    """The value that each batch is full of."""
    return [float(pictures[0, 0, 0, 0]) for pictures, _, _ in batches]


def py_dataset():
    return Sequence(BATCHES)


def tf_data():
    tf = pytest.importorskip("tensorflow", reason="tf.data needs TensorFlow")
    return tf.data.Dataset.from_tensor_slices(np.concatenate(BATCHES)).batch(2)


def torch_data_loader():
    data = pytest.importorskip("torch.utils.data", reason="a DataLoader needs PyTorch")
    from torch import from_numpy

    return data.DataLoader(data.TensorDataset(from_numpy(np.concatenate(BATCHES))), batch_size=2)


def a_list():
    return BATCHES


SOURCES = [py_dataset, tf_data, torch_data_loader, a_list]


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_all_its_batches_in_each_epoch(source):
    batches = Batches(source())
    assert batches.steps == 3
    pictures, target, weight = batches.first()
    assert isinstance(pictures, np.ndarray)
    assert target is weight is None
    np.testing.assert_array_equal(pictures, BATCHES[0])
    for _ in range(2):
        assert firsts(batches.of_epoch()) == [0, 1, 2]


@pytest.mark.parametrize("source", SOURCES[1:])
def test_an_iterable_is_read_on_from_epoch_to_epoch(source):
    batches = Batches(source(), steps_per_epoch=2)
    batches.first()
    assert [firsts(batches.of_epoch()) for _ in range(3)] == [[0, 1], [2, 0], [1, 2]]


def test_a_py_dataset_is_told_of_its_epochs():
    dataset = Sequence(BATCHES)
    batches = Batches(dataset, steps_per_epoch=2)
    for pictures, _, _ in batches.of_epoch():
        np.testing.assert_array_equal(pictures, BATCHES[0])
        break  # a callback has stopped the training
    assert firsts(batches.of_epoch()) == [0, 1]
    assert dataset.events == ["begin", 0, "end", "begin", 0, 1, "end"]


def test_a_generator_without_an_end():
    def endless():
        number = 0
        while True:
            yield {"image": BATCHES[number % 3]}, BATCHES[0], np.ones(2)
            number += 1

    batches = Batches(endless(), steps_per_epoch=2)
    assert batches.steps == 2
    pictures, target, weight = batches.first()
    assert list(pictures) == ["image"]
    np.testing.assert_array_equal(target, BATCHES[0])
    np.testing.assert_array_equal(weight, np.ones(2))
    values = [[float(p["image"][0, 0, 0, 0]) for p, _, _ in batches.of_epoch()] for _ in range(2)]
    assert values == [[0, 1], [2, 0]]


def test_a_generator_that_ends_too_early():
    batches = Batches(iter(BATCHES), steps_per_epoch=2)
    assert firsts(batches.of_epoch()) == [0, 1]
    with pytest.raises(ValueError, match=r"ended after 1 of `steps_per_epoch`=2"):
        list(batches.of_epoch())


@pytest.mark.parametrize(
    ("dataset", "steps", "message"),
    [
        (BATCHES[0], None, "must give batches.*ndarray.*image_folder"),
        ({"image": BATCHES[0]}, None, "must give batches.*dict"),
        (Sequence(BATCHES), 4, "at most 3.*steps_per_epoch=4"),
    ],
)
def test_what_has_no_batches_or_too_few(dataset, steps, message):
    with pytest.raises(ValueError, match=message):
        Batches(dataset, steps)


def test_an_empty_dataset():
    with pytest.raises(ValueError, match="empty"):
        Batches([]).first()
