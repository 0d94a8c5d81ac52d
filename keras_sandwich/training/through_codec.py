"""Training with a real codec in the loop."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import keras
import numpy as np

from keras_sandwich.callbacks import VaryingQstep
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.transport import code_batch, empty_file_bits
from keras_sandwich.models.training_checks import PixelRangeCheck
from keras_sandwich.training.batches import Batches
from keras_sandwich.training.calibration import own_qstep, qstep_of_error
from keras_sandwich.training.codec_in_the_loop import CodecInTheLoop, Preprocessing
from keras_sandwich.training.interrupts import interrupts_between_steps


def train_through_codec(
    model: Any,
    dataset: Any,
    codec: Any,
    strengths: Sequence[float] | None = None,
    epochs: int = 1,
    steps_per_epoch: int | None = None,
    callbacks: Any = None,
    initial_epoch: int = 0,
    seed: int = 0,
    workers: int | None = None,
    verbose: Any = 1,
) -> keras.callbacks.History:
    """Trains the whole sandwich on what a real codec decodes and on the bits of its files.

    At each step the bottlenecks become real files; the postprocessor gets what they decode to, and the loss is that of
    real files, distortion + γ·bits/N. Only the gradient is the proxy's: proxy + stop_gradient(real − proxy), for the
    bits likewise. The proxy's quantizer step is not trained: it is set to where the proxy loses as much as the codec
    (`calibrate_qstep`), anew for each strength in each epoch. Afterwards, also when interrupted, the model has the
    middle one of these steps.

    It goes on from where the model is, with the optimizer that it was compiled with, and takes callbacks as `fit` does:
    `BackupAndRestore`, `ModelCheckpoint`, `TrainingBudget`, … They see the sandwich itself. Ctrl-C ends it between two
    steps.

    Example:

    ```python
    import keras
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        gamma=700.0, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    model.compile(keras.optimizers.Adam(1e-4), loss="mse")
    crops = ks.datasets.image_folder(
        ks.datasets.sample_images("train"), crop_size=64, batch_size=2, steps_per_epoch=3
    )
    history = ks.training.train_through_codec(model, crops, ks.codecs.JPEG(qstep=24), verbose=0)
    assert history.history["qstep"] == [24.0]
    ```

    Args:
        model: a `CompressIntraModel`, compiled.
        dataset: batches as `fit` takes them: a `keras.utils.PyDataset`, read in its order, such as
            `datasets.image_folder` makes; a `tf.data.Dataset`, a `DataLoader` or any other iterable.
        codec: a codec of `keras_sandwich.codecs`, at the strength to train for.
        strengths: instead of the codec's own strength, several, for each step another; their order is drawn.
        epochs: the epoch to end at, as in `fit`.
        steps_per_epoch: batches in an epoch; None: all that there are. With it an iterable is read on in the next
            epoch, and from its beginning when it ends.
        callbacks: as in `fit`.
        initial_epoch: the epoch to begin at.
        seed: of the order of the strengths.
        workers: threads that code files; None: a few more than cores.
        verbose: 0: silent, 1: a progress bar, 2: a line for each epoch.

    Returns:
        A `keras.callbacks.History` with the logs that `fit` has; "bpp" is of real files.

    Raises:
        ValueError: a model that is not compiled; no strengths; arrays instead of batches, or fewer batches than
            `steps_per_epoch`; a `VaryingQstep`, whose steps would not be the codec's.
    """
    if not getattr(model, "compiled", False):
        raise ValueError(
            "The model must be compiled: its optimizer and loss are used. "
            "Call `model.compile(…)` first."
        )
    if strengths is not None and not len(strengths):
        raise ValueError("`strengths` must name at least one strength. Received an empty list.")
    codecs = [codec] if strengths is None else [codec.with_strength(s) for s in strengths]
    batches = Batches(dataset, steps_per_epoch)
    shapes = _build(model, *batches.first())
    channels = model.compute_output_shape(shapes)["bottleneck"][-1]
    codecs = [setting.for_channels(channels) for setting in codecs]
    callbacks = _callback_list(callbacks, model, epochs, batches.steps, verbose)
    if any(isinstance(callback, VaryingQstep) for callback in callbacks.callbacks):
        raise ValueError(
            "The proxy's step is the codec's here: pass several `strengths` instead of VaryingQstep."
        )

    with (
        ThreadPoolExecutor(workers) as executor,
        interrupts_between_steps() as stop_if_interrupted,
    ):
        step = _Step(model, codecs, seed, executor)
        model.stop_training = False
        model._initial_epoch = None  # where BackupAndRestore writes at which epoch it goes on
        callbacks.on_train_begin()
        begin, model._initial_epoch = model._initial_epoch or initial_epoch, None
        logs: dict[str, Any] = {}
        try:
            for epoch in range(begin, epochs):
                step.begin_epoch(epoch)
                callbacks.on_epoch_begin(epoch)
                for number, batch in enumerate(batches.of_epoch()):
                    callbacks.on_train_batch_begin(number)
                    logs = step(number, *batch)
                    callbacks.on_train_batch_end(number, logs)
                    stop_if_interrupted()
                    if model.stop_training:
                        break
                logs = dict(logs)
                callbacks.on_epoch_end(epoch, logs)
                if model.stop_training:
                    break
        finally:
            step.set_middle_qstep()
        model.optimizer.finalize_variable_values(model.trainable_weights)
        callbacks.on_train_end(logs)
    return model.history


class _Step:
    """Pictures → bottlenecks → real files → the compiled step that is given what they hold."""

    def __init__(self, model: Any, codecs: Sequence[Any], seed: int, executor: Executor) -> None:
        self.model = model
        self.codecs = codecs
        self.seed = seed
        self.executor = executor
        self.preprocessing = Preprocessing(model)
        self.in_the_loop = CodecInTheLoop(model)
        self.epoch = 0
        self.qsteps: dict[int, float] = {}
        self.calibrated: set[int] = set()  # in this epoch
        self.empty_bits: dict[Any, int] = {}

    def begin_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.in_the_loop.begin_epoch()
        self.calibrated = set()  # the bottlenecks have changed

    def __call__(self, number: int, images: Any, target: Any, weight: Any) -> dict[str, Any]:
        place = self._drawn(number)
        codec = self.codecs[place]
        told = self._told(codec, len(keras.tree.flatten(images)[0]))
        given = {"images": images, "qstep": told}
        bottlenecks = np.asarray(self.preprocessing.predict_on_batch(given))
        decoded, bits = code_batch(bottlenecks, codec, self.executor)
        key = (place, bottlenecks.shape[1:])
        if key not in self.empty_bits:
            self.empty_bits[key] = empty_file_bits(codec, bottlenecks.shape[1:])
        inputs = {
            **given,
            "decoded": decoded,
            "bits": bits,
            "empty_bits": np.full_like(bits, self.empty_bits[key]),
        }
        self._calibrate(place, bottlenecks, decoded)
        logs = self.in_the_loop.train_on_batch(inputs, target, weight, return_dict=True)
        self._set_qstep(place)  # which the optimizer has moved too
        return dict(logs)

    def _told(self, codec: Any, batch: int) -> np.ndarray:
        """The step that the networks are told, [batch]; of no meaning where they are told none."""
        return np.full(batch, qstep_for(self.model, codec) or 1.0, "float32")

    def _drawn(self, number: int) -> int:
        """Which strength: all of them, in a new order each time, the same for a training that is resumed."""
        turn, place = divmod(number, len(self.codecs))
        order = np.random.default_rng([self.seed, self.epoch, turn]).permutation(len(self.codecs))
        return int(order[place])

    def _calibrate(self, place: int, bottlenecks: np.ndarray, decoded: np.ndarray) -> None:
        proxy, codec = self.model.codec_proxy, self.codecs[place]
        if not hasattr(proxy, "effective_qstep"):
            return  # a proxy of the user's own is as it is
        if place not in self.calibrated:
            own = own_qstep(proxy, codec)
            self.qsteps[place] = (
                qstep_of_error(proxy, bottlenecks, decoded, codec.bits) if own is None else own
            )
            self.calibrated.add(place)
        self._set_qstep(place)

    def _set_qstep(self, place: int) -> None:
        if place in self.qsteps:
            self.model.codec_proxy.set_effective_qstep(self.qsteps[place])

    def set_middle_qstep(self) -> None:
        """Leaves the proxy at the middle of the steps that were last calibrated."""
        if self.qsteps:
            steps = sorted(self.qsteps.values())
            self.model.codec_proxy.set_effective_qstep(steps[len(steps) // 2])


def _build(model: Any, images: Any, target: Any, weight: Any) -> Any:
    """Builds the model, its optimizer and the metrics of the user; returns the shapes of the pictures."""
    shapes = keras.tree.map_structure(np.shape, images)
    if not model.built:
        model.build(shapes)
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    # The metrics make their variables when they are first used, and a compiled step is too late for that.
    prediction = images if target is None else target
    if isinstance(prediction, Mapping):
        prediction = np.concatenate([prediction[key] for key in model.model_keys], axis=-1)
    model.compute_metrics(images, target, {"prediction": prediction}, weight)
    model.reset_metrics()
    return shapes


def _callback_list(
    callbacks: Any, model: Any, epochs: int, steps: int | None, verbose: Any
) -> keras.callbacks.CallbackList:
    check = PixelRangeCheck(model._peak_pixel)
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(check)
        return callbacks
    verbose = 1 if verbose == "auto" else verbose
    return keras.callbacks.CallbackList(
        [*(keras.tree.flatten(callbacks) if callbacks else []), check],
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )
