"""The network after the codec, trained on what a real codec really decodes."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import require_integers
from keras_sandwich.callbacks.synchronize_epoch import SynchronizeEpoch
from keras_sandwich.callbacks.training_budget import TrainingBudget
from keras_sandwich.inference.pictures import Pictures, require_range
from keras_sandwich.losses.rate_distortion import distortion_per_sample
from keras_sandwich.losses.weighting import total_loss
from keras_sandwich.metrics.image_quality import PSNR
from keras_sandwich.training.decoded_crops import DecodedCrops, crop_grid, decoded_pictures
from keras_sandwich.training.interrupts import interrupts_between_steps


def finetune_postprocessor(
    model: Any,
    images: Any,
    codec: Any,
    strengths: Sequence[float] | None = None,
    epochs: int = 50,
    steps_per_epoch: int = 20,
    learning_rate: Any = 5e-4,
    crop_size: int = 128,
    batch_size: int = 8,
    augment: bool = False,
    seed: int = 0,
    callbacks: Any = None,
    verbose: int = 1,
    workers: int | None = None,
    tile_size: int | None = 1024,
) -> keras.callbacks.History:
    """Trains the network after the codec on what the codec really decodes; all else stays as it is.

    The preprocessor is fixed, so the bottlenecks of whole pictures are coded once for each strength. Then crops of what
    the files decode to, with the pictures as targets, train the postprocessor alone, with the distortion that the model
    was compiled with ("mse" if with none) and an Adam of its own. Files that are already written decode with the new
    postprocessor too. The model's compiled state and its optimizer are not touched, nor any other weight.

    Ctrl-C ends it between two steps. `BackupAndRestore`, `TrainingBudget` and `CodecEvaluation` work as in `fit`;
    `ModelCheckpoint` saves the whole sandwich, if not `save_weights_only`.

    Example:

    ```python
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        gamma=700.0, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    pictures = ks.datasets.sample_images("train")[:4]
    history = ks.training.finetune_postprocessor(
        model, pictures, ks.codecs.JPEG(quality=50), epochs=2, steps_per_epoch=2, verbose=0
    )
    assert len(history.history["loss"]) == 2
    ```

    Args:
        model: a `CompressIntraModel`.
        images: whole pictures in [0, 255·2^k]: an array [number, height, width, channels], a list of [height, width,
            channels], or a dict of such by the model's keys.
        codec: a codec of `keras_sandwich.codecs`.
        strengths: the strengths to train for, each as often. None: from half to twice the quantizer step that the model
            was trained with; for other codecs than a JPEG with a flat table, strengths with about as many bits.
        epochs: how many epochs.
        steps_per_epoch: batches in an epoch.
        learning_rate: the highest learning rate: it rises for 3 % of the epochs and then falls to 2 % by a cosine, as
            in `TrainingBudget`; one of your own among the callbacks has precedence. Or a schedule of Keras.
        crop_size: height and width of the crops in pixels of the pictures, a multiple of the downsample factor.
        batch_size: crops in a batch.
        augment: code each picture in all eight symmetries of a square, turned and mirrored: eight times as many files,
            against overfitting where the pictures are few. Decoded crops themselves cannot be turned: a codec's blocks
            and a bottleneck's carriers have a direction.
        seed: of pictures, places and strengths.
        callbacks: as in `fit`.
        verbose: 0: silent, 1: progress bars, 2: a line for each epoch.
        workers: threads that code files; None: one for each core.
        tile_size: as in `transport`.

    Returns:
        A `keras.callbacks.History` with "loss" and "psnr".

    Raises:
        ValueError: nothing to train; no strengths; pictures that are missing, smaller than a crop, of different
            numbers of channels, not finite, or outside [0, 255·2^k]; sizes that are not positive integers.
    """
    require_integers(crop_size=crop_size, batch_size=batch_size, steps_per_epoch=steps_per_epoch)
    pictures = _whole_pictures(model, images, crop_size)
    if augment:
        pictures = [turned for picture in pictures for turned in _symmetries(picture)]
    if not model.built:
        model.build((None, None, None, pictures[0].shape[-1]))
    postprocessor = model.postprocessor
    if postprocessor is None or not postprocessor.trainable_weights:
        raise ValueError(
            "The model has no postprocessor with weights to train. "
            "Give it one, and set `model.postprocessor.trainable = True`."
        )
    decoded, qsteps = decoded_pictures(
        model, pictures, codec, strengths, workers, int(verbose == 1), tile_size
    )
    crops = DecodedCrops(
        pictures,
        decoded,
        qsteps,
        grid=crop_grid(model),
        factor=getattr(postprocessor, "downsample_factor", 1),
        crop_size=crop_size,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        seed=seed,
        bits=codec.bits,
    )
    given = keras.tree.flatten(callbacks) if callbacks else []
    scheduled = callable(learning_rate) or isinstance(
        learning_rate, keras.optimizers.schedules.LearningRateSchedule
    )
    own: list[Any] = [SynchronizeEpoch(crops)]
    if not scheduled and not any(isinstance(c, TrainingBudget) for c in given):
        own.append(TrainingBudget(learning_rate))
    training = PostprocessorTraining(model)
    training.compile(keras.optimizers.Adam(learning_rate), jit_compile="auto")
    training.optimizer.build(training.trainable_variables)
    with interrupts_between_steps() as stop_if_interrupted:

        def stop(batch: int, logs: Any = None) -> None:
            stop_if_interrupted()

        own.append(keras.callbacks.LambdaCallback(on_train_batch_begin=stop))
        try:
            return training.fit(
                crops, epochs=epochs, callbacks=[*own, *given], verbose=verbose, shuffle=False
            )
        finally:
            if hasattr(training, "jax_state_sync"):
                training.jax_state_sync()  # during `fit` the weights live outside the model


class PostprocessorTraining(keras.Model):
    """The postprocessor of a sandwich as a model of its own: decoded bottlenecks and their steps in, pictures out.

    Args:
        sandwich: a `CompressIntraModel`, built. Of its weights only the postprocessor's are this model's.
    """

    def __init__(self, sandwich: Any) -> None:
        super().__init__(autocast=False, dtype=sandwich.dtype_policy)
        self.stage = sandwich.postprocessor
        self.factor = getattr(self.stage, "downsample_factor", 1)
        self.model_keys = sandwich.model_keys
        self.num_truncate_bits = sandwich.num_truncate_bits
        # Methods, not the sandwich itself: Keras would count its weights among ours.
        self.preprocess = sandwich.preprocess
        self.postprocess = sandwich.postprocess
        self._save_sandwich = sandwich.save
        self.distortion = sandwich.loss if getattr(sandwich, "compiled", False) else None
        self._psnr = PSNR(image_max=255.0 * 2.0**self.num_truncate_bits)
        self.built = True

    def call(self, inputs: dict[str, Any]) -> Any:
        decoded = inputs["decoded"]
        height, width = ops.shape(decoded)[1:3]
        size = height * self.factor, width * self.factor
        return self.postprocess(decoded, size, inputs["qstep"])

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        distortion = distortion_per_sample(self.distortion or "mse", y, y_pred)
        self._psnr.update_state(y, y_pred)
        return total_loss(distortion, y_pred, sample_weight, self.losses)

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Saves the sandwich: what a checkpoint of its training is for."""
        self._save_sandwich(filepath, *args, **kwargs)


def _whole_pictures(model: Any, images: Any, crop_size: int) -> list[np.ndarray]:
    """Pictures [height, width, channels], cut to whole pixels of the bottleneck."""
    factor = getattr(model.postprocessor, "downsample_factor", 1)
    if crop_size % factor or crop_size < factor:
        raise ValueError(
            f"`crop_size` must be a multiple of the downsample factor {factor}. "
            f"Received crop_size={crop_size}."
        )
    pictures: list[np.ndarray] = []
    for number, picture in enumerate(Pictures(images, model.model_keys, model.axes)):
        if min(picture.shape[:2]) < crop_size:
            raise ValueError(
                f"Expected pictures [height, width, channels] of at least {crop_size}×{crop_size} pixels. "
                f"Received one of shape {picture.shape}, picture {number}; leave it out or choose a "
                "smaller crop_size."
            )
        if pictures and picture.shape[-1] != pictures[0].shape[-1]:
            raise ValueError(
                f"Expected pictures of one number of channels, {pictures[0].shape[-1]} as in the first. "
                f"Received one of shape {picture.shape}, picture {number}."
            )
        height, width = (size // factor * factor for size in picture.shape[:2])
        pictures.append(picture[:height, :width])
    require_range(pictures, model.num_truncate_bits)
    return pictures


def _symmetries(picture: np.ndarray) -> list[np.ndarray]:
    """The eight of a square."""
    sides = (picture, picture[:, ::-1])
    return [np.ascontiguousarray(np.rot90(side, turns)) for side in sides for turns in range(4)]
