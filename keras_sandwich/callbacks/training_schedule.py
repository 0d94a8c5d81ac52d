"""Staged training: first the linear paths, then the U-Net after the codec, then everything."""

from typing import Any

import keras

from keras_sandwich.callbacks.training_budget import TrainingBudget


class TrainingSchedule(keras.callbacks.Callback):
    """Switches the U-Nets of a sandwich off and on by the epoch.

    While epoch/epochs < `mlps_only` both U-Nets are off; while it is < `mlps_and_unet_post` only the postprocessor's is
    on; then both. A U-Net that is off adds nothing and gets no gradient.

    Example:

    ```python
    import keras_sandwich as ks

    schedule = ks.callbacks.TrainingSchedule(mlps_only=0.2, mlps_and_unet_post=0.6)
    assert schedule.switches(0.1) == (0.0, 0.0)
    assert schedule.switches(0.2) == (0.0, 1.0)
    assert schedule.switches(0.6) == (1.0, 1.0)
    ```

    Args:
        mlps_only: share of the epochs, 0 to 1, for the linear paths alone.
        mlps_and_unet_post: share of the epochs, 0 to 1, at which the preprocessor's U-Net joins.
        budget: the `TrainingBudget` of the same `fit`, put before the schedule: the shares are then of its minutes.

    Raises:
        ValueError: a share outside [0, 1].
    """

    def __init__(
        self,
        mlps_only: float = 0.0,
        mlps_and_unet_post: float = 0.0,
        budget: TrainingBudget | None = None,
    ) -> None:
        super().__init__()
        for name, share in (("mlps_only", mlps_only), ("mlps_and_unet_post", mlps_and_unet_post)):
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"`{name}` must be from 0 to 1. Received {name}={share}.")
        self.mlps_only = mlps_only
        self.mlps_and_unet_post = mlps_and_unet_post
        self.budget = budget

    def switches(self, progress: float) -> tuple[float, float]:
        """(preprocessor, postprocessor): 1.0 where the U-Net is on at this share of the training."""
        pre = progress >= max(self.mlps_only, self.mlps_and_unet_post)
        post = progress >= self.mlps_only
        return float(pre), float(post)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        of_epochs = epoch / self.params["epochs"]
        switches = self.switches(of_epochs if self.budget is None else self.budget.progress(epoch))
        for side, switch in zip(
            (self.model.preprocessor, self.model.postprocessor), switches, strict=True
        ):
            if getattr(side, "unet", None) is not None:
                side.unet_switch.assign(switch)
