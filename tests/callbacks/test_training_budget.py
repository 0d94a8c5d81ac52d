"""Minutes are counted on a clock of the test's own."""

import json
import math

import keras
import numpy as np
import pytest

from keras_sandwich.callbacks import TrainingBudget


class Work(keras.callbacks.Callback):
    """Makes each epoch last, notes its learning rate, and may be killed in one of them."""

    def __init__(self, clock, seconds=30.0, killed_in=None):
        super().__init__()
        self.clock, self.seconds, self.killed_in = clock, seconds, killed_in
        self.learning_rates = {}

    def on_train_batch_begin(self, batch, logs=None):
        if self.killed_in is not None and len(self.learning_rates) == self.killed_in:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        self.clock.now += self.seconds
        self.learning_rates[epoch] = float(self.model.optimizer.learning_rate)


def train(budget, work, *callbacks, epochs=1000):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    x = np.linspace(-1, 1, 8).reshape(4, 2).astype("float32")
    model.fit(x, x[:, :1], epochs=epochs, callbacks=[work, budget, *callbacks], verbose=0)
    return model


def expected_rate(progress, peak=2e-3, warmup=0.1, final=0.05):
    """The schedule in words: a rise along a line, then half a cosine."""
    if progress < warmup:
        return peak * max(progress / warmup, final)
    angle = math.pi * (progress - warmup) / (1 - warmup)
    return peak * (final + (1 - final) * (0.5 + 0.5 * math.cos(angle)))


def test_learning_rates_over_epochs(clock):
    work = Work(clock)
    train(TrainingBudget(2e-3, warmup=0.1, final=0.05), work, epochs=20)
    assert list(work.learning_rates) == list(range(20))
    for epoch, rate in work.learning_rates.items():
        assert rate == pytest.approx(expected_rate(epoch / 20), rel=1e-5)


@pytest.mark.parametrize(("seconds", "epochs"), [(30.0, 4), (50.0, 2), (70.0, 2), (300.0, 1)])
def test_stops_by_minutes(clock, seconds, epochs):
    # 2 minutes: as many epochs as come nearest to 120 s, at least one.
    work = Work(clock, seconds)
    train(TrainingBudget(2e-3, minutes=2.0, warmup=0.1, final=0.05), work)
    assert len(work.learning_rates) == epochs
    for epoch, rate in work.learning_rates.items():
        assert rate == pytest.approx(expected_rate(epoch * seconds / 120), rel=1e-5)


def test_without_minutes_the_clock_does_not_stop_it(clock):
    work = Work(clock, seconds=1e6)
    train(TrainingBudget(), work, epochs=3)
    assert len(work.learning_rates) == 3


def test_a_killed_training_goes_on_with_the_time_that_is_left(clock, tmp_path):
    state = tmp_path / "deep" / "budget.json"

    def budget():
        return TrainingBudget(2e-3, minutes=2.0, warmup=0.1, final=0.05, state_file=state)

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    unbroken = Work(clock)
    through = train(TrainingBudget(2e-3, minutes=2.0, warmup=0.1, final=0.05), unbroken)

    first = Work(clock, killed_in=2)
    with pytest.raises(KeyboardInterrupt):
        train(budget(), first, backup())
    assert json.loads(state.read_text()) == {"seconds": 60.0}

    clock.now += 1e5  # the machine was off
    second = Work(clock)
    resumed = train(budget(), second, backup())
    assert first.learning_rates | second.learning_rates == pytest.approx(unbroken.learning_rates)
    assert list(second.learning_rates) == [2, 3]
    for one, other in zip(through.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert not state.exists()  # the next training starts anew


def test_a_budget_that_is_used_twice_starts_anew(clock):
    budget = TrainingBudget(minutes=2.0)
    for _ in range(2):
        work = Work(clock)
        train(budget, work)
        assert len(work.learning_rates) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": 0.0},
        {"learning_rate": -1.0},
        {"minutes": 0},
        {"minutes": -1.0},
        {"warmup": -0.1},
        {"warmup": 1.1},
        {"final": -0.1},
        {"final": 1.1},
        {"final": float("nan")},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        TrainingBudget(**arguments)


def test_bounds_are_allowed():
    assert TrainingBudget(1e-3, warmup=0.0, final=1.0).learning_rate_at(0.0) == 1e-3
    assert TrainingBudget(1e-3, warmup=1.0, final=0.0).learning_rate_at(0.5) == pytest.approx(5e-4)


def test_the_time_spent_is_kept_though_its_writing_is_interrupted(clock, tmp_path, monkeypatch):
    state = tmp_path / "budget.json"
    budget = TrainingBudget(minutes=2.0, state_file=state)

    def epoch():
        budget.on_epoch_begin(0)
        clock.now += 10.0
        budget.on_epoch_end(0)

    budget.set_model(keras.Sequential([keras.layers.Dense(1)]))
    budget.model.compile("sgd", "mse")
    epoch()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        epoch()
    assert json.loads(state.read_text()) == {"seconds": 10.0}
    assert [path.name for path in tmp_path.iterdir()] == ["budget.json"]
