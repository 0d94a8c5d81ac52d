"""What is switched off does not learn, and does once it is switched on."""

import keras
import numpy as np
import pytest
from keras import ops
from photographs import noise

import keras_sandwich as ks


def small_sandwich(**arguments):
    return ks.models.create_basic_model(
        gamma=10.0, encoder_filters=(4,), decoder_filters=(4, 4), **arguments
    )


def weights(layer) -> list[np.ndarray]:
    return [np.copy(ops.convert_to_numpy(weight.value)) for weight in layer.trainable_weights]


class Snapshots(keras.callbacks.Callback):
    """The weights of each part, before training and after each epoch."""

    def __init__(self):
        super().__init__()
        self.taken = []

    def take(self):
        self.taken.append(
            {
                "pre": weights(self.model.preprocessor.unet),
                "post": weights(self.model.postprocessor.unet),
                "pre_mlp": weights(self.model.preprocessor.mlp),
                "post_mlp": weights(self.model.postprocessor.mlp),
            }
        )

    def on_train_begin(self, logs=None):
        self.take()

    def on_epoch_end(self, epoch, logs=None):
        self.take()

    def moved(self, part: str) -> list[bool]:
        """For each epoch: did any weight of this part change?"""
        return [
            any(np.any(a != b) for a, b in zip(before[part], after[part], strict=True))
            for before, after in zip(self.taken, self.taken[1:], strict=False)
        ]


def test_unets_learn_only_from_their_epoch_on():
    keras.utils.set_random_seed(0)
    model = small_sandwich()
    model.compile(keras.optimizers.Adam(1e-2))
    model.build((None, 16, 16, 3))
    snapshots = Snapshots()
    schedule = ks.callbacks.TrainingSchedule(mlps_only=1 / 3, mlps_and_unet_post=2 / 3)
    pictures = noise(8, 16, 16, 3, low=40, high=210)
    model.fit(pictures, batch_size=4, epochs=3, callbacks=[schedule, snapshots], verbose=0)
    assert snapshots.moved("post") == [False, True, True]
    assert snapshots.moved("pre") == [False, False, True]
    assert snapshots.moved("pre_mlp") == [True] * 3
    assert snapshots.moved("post_mlp") == [True] * 3


def test_a_switched_off_unet_adds_nothing():
    model = small_sandwich(start="published")
    plain = small_sandwich(
        start="published", use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    for each in (model, plain):
        each.build((None, 16, 16, 3))
    for side in ("preprocessor", "postprocessor"):
        getattr(model, side).unet_scale.assign(0.7)
        for to, of in zip(
            getattr(plain, side).mlp.weights, getattr(model, side).mlp.weights, strict=True
        ):
            to.assign(of)
    schedule = ks.callbacks.TrainingSchedule(mlps_only=0.5)
    schedule.set_model(model)
    schedule.set_params({"epochs": 4})
    pictures = noise(1, 16, 16, 3)

    def difference():
        outputs = [ops.convert_to_numpy(m(pictures)["prediction"]) for m in (model, plain)]
        return np.abs(outputs[0] - outputs[1]).max()

    schedule.on_epoch_begin(1)
    assert difference() == 0
    schedule.on_epoch_begin(2)
    assert difference() > 0.1


@pytest.mark.parametrize("missing", ["use_unet_preprocessor", "use_unet_postprocessor"])
def test_a_sandwich_with_one_unet(missing):
    model = small_sandwich(**{missing: False})
    model.compile("sgd")
    schedule = ks.callbacks.TrainingSchedule(mlps_only=0.5)
    model.fit(noise(2, 16, 16, 3), epochs=1, callbacks=[schedule], verbose=0)
    left = "postprocessor" if missing == "use_unet_preprocessor" else "preprocessor"
    assert float(ops.convert_to_numpy(getattr(model, left).unet_switch.value)) == 0.0


def test_boundaries_belong_to_the_later_stage():
    schedule = ks.callbacks.TrainingSchedule(mlps_only=0.25, mlps_and_unet_post=0.75)
    stages = [schedule.switches(epoch / 4) for epoch in range(4)]
    assert stages == [(0.0, 0.0), (0.0, 1.0), (0.0, 1.0), (1.0, 1.0)]
    assert ks.callbacks.TrainingSchedule().switches(0.0) == (1.0, 1.0)


def test_shares_of_a_budget_of_minutes(clock):
    """However many epochs `fit` was given."""
    budget = ks.callbacks.TrainingBudget(1e-3, minutes=2.0)
    schedule = ks.callbacks.TrainingSchedule(0.25, 0.75, budget=budget)
    seen = []
    model = small_sandwich()
    half_a_minute = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(clock, "now", clock.now + 30.0)
    )
    record = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(
            tuple(
                float(ops.convert_to_numpy(side.unet_switch))
                for side in (model.preprocessor, model.postprocessor)
            )
        )
    )
    model.compile("sgd")
    pictures = noise(2, 16, 16, 3)
    callbacks = [half_a_minute, budget, schedule, record]
    model.fit(pictures, epochs=1000, callbacks=callbacks, verbose=0)
    assert seen == [(0.0, 0.0), (0.0, 1.0), (0.0, 1.0), (1.0, 1.0)]


@pytest.mark.parametrize("name", ["mlps_only", "mlps_and_unet_post"])
@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_bad_shares(name, share):
    with pytest.raises(ValueError, match=name):
        ks.callbacks.TrainingSchedule(**{name: share})
