"""Training for minutes rather than for epochs."""

import json
import math
import time
from pathlib import Path
from typing import Any

import keras

from keras_sandwich._arguments import check_positive
from keras_sandwich._whole_files import write_whole


class TrainingBudget(keras.callbacks.Callback):
    """Spends a number of minutes, the learning rate rising at first and then falling by a cosine.

    Rate-distortion results depend on the end of the schedule, so a training that is cut short is worth little; this
    one ends where it should, however fast the machine is. Give `fit` more epochs than it can do. Without `minutes` the
    budget is `fit`'s number of epochs. The learning rate is set at each epoch's begin: let the budget have 50 epochs or
    more. A training that is killed and resumed (`keras.callbacks.BackupAndRestore`) goes on with the time that is left,
    if `state_file` is given.

    Example:

    ```python
    import keras_sandwich as ks

    budget = ks.callbacks.TrainingBudget(1e-3, minutes=20)
    assert budget.learning_rate_at(0.03) == 1e-3 and budget.learning_rate_at(1.0) == 1e-3 * 0.02
    # model.fit(dataset, epochs=100_000, callbacks=[budget])
    ```

    Args:
        learning_rate: the highest learning rate.
        minutes: how long to train; None: as long as `fit` has epochs.
        warmup: share of the budget over which the learning rate rises.
        final: share of the learning rate at which it ends.
        state_file: where the time spent is kept, for a training that is resumed.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        minutes: float | None = None,
        warmup: float = 0.03,
        final: float = 0.02,
        state_file: str | Path | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("learning_rate", learning_rate), ("minutes", minutes)):
            if value is not None:
                check_positive(value, name)
        for name, share in (("warmup", warmup), ("final", final)):
            if not 0 <= share <= 1:
                raise ValueError(f"`{name}` must be from 0 to 1. Received {name}={share}.")
        self.learning_rate = learning_rate
        self.minutes = minutes
        self.warmup = warmup
        self.final = final
        self.state_file = None if state_file is None else Path(state_file)
        self._spent = 0.0
        self._epoch_began = 0.0

    def learning_rate_at(self, progress: float) -> float:
        """The learning rate when this share of the budget, 0 to 1, is spent."""
        if progress < self.warmup:
            return self.learning_rate * max(progress / self.warmup, self.final)
        turn = min((progress - self.warmup) / max(1.0 - self.warmup, 1e-9), 1.0)
        share = self.final + (1.0 - self.final) * 0.5 * (1.0 + math.cos(math.pi * turn))
        return self.learning_rate * share

    def progress(self, epoch: int) -> float:
        """The share of the budget, from 0, that is spent when this epoch, counted from 0, begins."""
        if self.minutes is not None:
            return self._spent / (60.0 * self.minutes)
        return epoch / float(self.params["epochs"])

    def on_train_begin(self, logs: Any = None) -> None:
        self._spent = 0.0
        if self.state_file is not None and self.state_file.exists():
            self._spent = float(json.loads(self.state_file.read_text())["seconds"])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch_began = time.monotonic()
        self.model.optimizer.learning_rate = self.learning_rate_at(self.progress(epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.monotonic() - self._epoch_began
        self._spent += seconds
        if self.state_file is not None:
            self.state_file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.state_file, json.dumps({"seconds": self._spent}))
        # An epoch that would end past the budget is not begun.
        if self.minutes is not None and self._spent + seconds / 2 > 60.0 * self.minutes:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        if self.state_file is not None:
            self.state_file.unlink(missing_ok=True)
