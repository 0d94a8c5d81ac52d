import random

import keras
import numpy as np
import pytest
from dataset_truth import Recorder
from keras import ops

from keras_sandwich.callbacks import SynchronizeEpoch
from keras_sandwich.datasets import image_folder

CROP = 16


def plain(pictures, **arguments):
    """A dataset without anything random, unless asked for."""
    defaults = {"crop_size": CROP, "batch_size": 4, "shuffle": False, "random_crop": False}
    return image_folder(pictures, **{**defaults, "augment": False, **arguments})


def numbered(count, size=CROP):
    """Pictures that tell their number by their value."""
    return [np.full((size, size, 3), number, np.uint8) for number in range(count)]


def numbers(batch):
    return batch[:, 0, 0, 0].astype(int).tolist()


def batches(dataset, epochs):
    return [dataset.batch(i, epoch) for epoch in epochs for i in range(len(dataset))]


def assert_same(seen, expected):
    assert len(seen) == len(expected)
    for one, other in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(one, other)


# Every picture, in which order


def test_every_picture_is_taken_once_in_a_turn():
    dataset = plain(numbered(7), shuffle=True, batch_size=3)
    assert len(dataset) == 3
    taken = [n for batch in batches(dataset, [0]) for n in numbers(batch)]
    assert sorted(taken[:7]) == list(range(7))
    assert len(taken) == 9  # filled up by the next turn
    assert taken[:7] != list(range(7))
    assert taken != [n for batch in batches(dataset, [1]) for n in numbers(batch)]


def test_pictures_come_again_when_an_epoch_is_longer():
    taken = [n for batch in batches(plain(numbered(3), steps_per_epoch=2), [0]) for n in batch]
    assert numbers(np.stack(taken)) == [0, 1, 2, 0, 1, 2, 0, 1]


def test_validation_has_every_picture_once_in_every_epoch():
    dataset = plain(numbered(7), batch_size=3)
    for epoch in range(2):
        assert [numbers(b) for b in batches(dataset, [epoch])] == [[0, 1, 2], [3, 4, 5], [6]]


# The same data for the same (seed, epoch, index)


def test_a_batch_is_a_function_of_seed_epoch_and_index(folder):
    arguments = {"crop_size": CROP, "batch_size": 4, "steps_per_epoch": 3}
    first = image_folder(folder, seed=5, cache=False, **arguments)
    second = image_folder(folder, seed=5, workers=0, **arguments)
    expected = {(e, i): first.batch(i, e) for e in range(3) for i in range(3)}
    for epoch, index in reversed(list(expected)):
        second.epoch = epoch
        np.testing.assert_array_equal(second[index], expected[epoch, index])
    different = [*expected.values(), image_folder(folder, seed=6, **arguments)[0]]
    assert len({batch.tobytes() for batch in different}) == 10


def test_seed_epoch_and_index_decide_the_place_of_the_crop(photographs):
    def crop(seed, epoch, index):
        dataset = plain(
            photographs[:1], random_crop=True, batch_size=1, steps_per_epoch=2, seed=seed
        )
        return dataset.batch(index, epoch).tobytes()

    assert len({crop(*place) for place in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]}) == 4


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_fit_sees_the_batches_in_their_order(folder, workers):
    """Unbuilt model, shuffle=True, more steps than Keras queues: what makes Keras's own differ."""
    arguments = {"crop_size": CROP, "batch_size": 2, "steps_per_epoch": 23}
    dataset = image_folder(folder, workers=workers, **arguments)
    random.seed(workers)
    model = Recorder.compiled()
    model.fit(dataset, epochs=2, verbose=0, callbacks=[SynchronizeEpoch(dataset)])
    expected = batches(image_folder(folder, workers=0, **arguments), [0, 1])
    assert_same(model.seen[-46:], expected)


def test_fit_advances_the_epoch_without_the_callback():
    dataset = image_folder(numbered(9), crop_size=CROP, batch_size=2)
    model = Recorder.compiled()
    model.fit(dataset, epochs=3, verbose=0)
    assert dataset.epoch == 3
    assert_same(model.seen[-15:], batches(dataset, [0, 1, 2]))


def test_batches_may_be_read_while_fit_runs(folder):
    dataset = image_folder(folder, crop_size=CROP, batch_size=2, steps_per_epoch=4)
    expected = batches(dataset, [0])
    dataset.on_epoch_begin()
    served = [dataset[2]]
    np.testing.assert_array_equal(dataset.batch(3), expected[3])
    served += [dataset[i] for i in (0, 3, 1)]
    assert_same(served, expected)
    np.testing.assert_array_equal(dataset[3], expected[3])  # asked for again: not by fit


@pytest.mark.parametrize("killed_at", ["epoch", "batch"])
def test_a_killed_training_resumes_with_the_batches_it_would_have_seen(folder, tmp_path, killed_at):
    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch
            if epoch == 2 and killed_at == "epoch":
                raise KeyboardInterrupt

        def on_train_batch_end(self, batch, logs=None):
            if self.epoch == 2 and batch == 1 and killed_at == "batch":
                raise KeyboardInterrupt

    def train(*callbacks, backup):
        dataset = image_folder(folder, crop_size=CROP, batch_size=2, steps_per_epoch=3)
        model = Recorder.compiled()
        model(dataset[0])
        backup = keras.callbacks.BackupAndRestore(tmp_path / backup)
        model.seen.clear()
        try:
            synchronize = SynchronizeEpoch(dataset)
            model.fit(dataset, epochs=4, verbose=0, callbacks=[backup, synchronize, *callbacks])
        except KeyboardInterrupt:
            pass
        return model

    unbroken = train(backup="unbroken")
    killed = train(Kill(), backup="killed")
    resumed = train(backup="killed")
    assert len(killed.seen) < 12
    assert_same(resumed.seen[-6:], unbroken.seen[-6:])
    assert float(unbroken.level) != 0.0
    np.testing.assert_allclose(float(resumed.level), float(unbroken.level), rtol=1e-6)


def test_initial_epoch_of_fit_reaches_the_dataset():
    dataset = image_folder(numbered(6), crop_size=CROP, batch_size=2)
    model = Recorder.compiled()
    model.fit(dataset, initial_epoch=4, epochs=5, verbose=0, callbacks=[SynchronizeEpoch(dataset)])
    assert_same(model.seen[-3:], batches(dataset, [4]))
    start = image_folder(numbered(6), crop_size=CROP, batch_size=2, initial_epoch=4)
    np.testing.assert_array_equal(start[1], dataset.batch(1, 4))


def test_validation_sees_the_same_in_every_epoch(photographs):
    validation = plain(photographs, batch_size=2)
    model = Recorder.compiled()
    model.fit(
        image_folder(photographs, crop_size=CROP, batch_size=5),
        validation_data=validation,
        epochs=2,
        verbose=0,
    )
    expected = batches(validation, [0])
    assert [len(batch) for batch in expected] == [2, 2, 1]
    assert_same(model.seen[-3:], expected)
    assert_same(model.seen[-7:-4], expected)


def test_fit_learns_from_a_folder(folder):
    """Compiled, from files to weights: the weight arrives at the mean pixel."""
    dataset = image_folder(folder, crop_size=CROP, batch_size=5, steps_per_epoch=60)

    class Level(Recorder):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(y_pred - x))

    model = Level()
    model.compile(keras.optimizers.SGD(0.05), jit_compile=False)
    model.fit(dataset, epochs=2, verbose=0)
    mean = np.mean([np.mean(batch) for batch in batches(dataset, range(2))])
    assert abs(float(model.level) - mean) < 20.0
