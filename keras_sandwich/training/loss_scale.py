"""The scale at which a loss is as large as squared error."""

from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.codecs import JPEG
from keras_sandwich.inference.transport import code_batch
from keras_sandwich.losses import distortion_per_sample


def calibrate_scale(loss: Any, pictures: Any, codec: Any = None) -> float:
    """By which to multiply a loss so that it is as large as the squared error of the same pictures.

    Then γ, the weight of the rate in a sandwich, means with the loss what it means with squared error: at the rates of
    the codec's strength, since the ratio changes with the rate. The default scales of `StructuralSimilarity`,
    `MultiScaleStructuralSimilarity` and `LPIPS` were found in this way.

    Example:

    ```python
    import keras_sandwich as ks

    pictures = ks.datasets.sample_images("train")[:2, :64, :64]
    scale = ks.training.calibrate_scale(ks.losses.StructuralSimilarity(scale=1.0), pictures)
    loss = ks.losses.StructuralSimilarity(scale=scale)
    assert 100 < scale < 2000
    ```

    Args:
        loss: what `compile` takes as a distortion: the name of a Keras loss, a `keras.losses.Loss`, or a callable. Of a
            loss with a scale, one with scale 1.
        pictures: [number, height, width, channels] in [0, 255], as they will be trained on.
        codec: what they are coded with; None: `JPEG(quality=50)`, for as many channels by several files.

    Returns:
        The mean squared error over the mean of the loss, both between the pictures and what the codec makes of them.

    Raises:
        ValueError: pictures of another rank, or on which the loss is not positive and finite.
    """
    pictures = np.asarray(ops.convert_to_numpy(pictures), "float32")
    if pictures.ndim != 4 or not pictures.size:
        raise ValueError(
            f"Expected pictures [number, height, width, channels]. Received shape {pictures.shape}."
        )
    codec = (codec or JPEG(quality=50)).for_channels(pictures.shape[-1])
    # One after the other: a batch of large pictures takes much memory.
    values = []
    for picture in pictures:
        decoded, _ = code_batch(picture[None], codec)
        pair = picture[None], decoded
        values.append([_mean(measured, *pair) for measured in ("mse", loss)])
    squared, own = np.mean(values, axis=0)
    if not (np.isfinite(own) and own > 0.0):
        raise ValueError(
            f"Expected a loss that is positive and finite between pictures and their files. Received {own}."
        )
    return float(squared / own)


def _mean(loss: Any, target: np.ndarray, prediction: np.ndarray) -> float:
    return float(np.mean(ops.convert_to_numpy(distortion_per_sample(loss, target, prediction))))
