from types import SimpleNamespace

import pytest

from keras_sandwich.callbacks import training_budget


@pytest.fixture
def clock(monkeypatch):
    """The budget's: it stands still but for those who advance it."""
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(training_budget, "time", clock)
    return clock
