"""What a sandwich is trained on: distortion + γ·rate/N + penalty/N."""

from typing import Any

import keras
from keras import ops

# The weight of the range penalty against squared errors (the published implementation's).
PENALTY_WEIGHT = 255.0 / 26.5


def distortion_per_image(loss: Any, target: Any, prediction: Any) -> Any:
    """Any Keras loss as a distortion: the mean of its elements for each image.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    target = np.zeros((2, 4, 4, 3), "float32")
    prediction = np.full((2, 4, 4, 3), 3.0, "float32")
    mse = ks.losses.distortion_per_image("mse", target, prediction)
    assert np.allclose(mse, [9.0, 9.0])
    ```

    Args:
        loss: the name of a Keras loss, a `keras.losses.Loss` (its reduction is not used), or a callable of
            (target, prediction) that returns a tensor whose first axis is the batch, or a scalar.
        target: [batch, height, width, channels].
        prediction: of the same shape.

    Returns:
        [batch] float32.
    """
    loss = keras.losses.get(loss)
    target, prediction = (
        ops.cast(ops.convert_to_tensor(images), "float32") for images in (target, prediction)
    )
    compare = loss.call if isinstance(loss, keras.losses.Loss) else loss
    values = ops.cast(ops.convert_to_tensor(compare(target, prediction)), "float32")
    if len(values.shape) == 0:
        return ops.broadcast_to(values, (ops.shape(target)[0],))
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


def range_penalty(bottleneck: Any, image_max: float = 255.0) -> Any:
    """How far a bottleneck leaves the codec's range: 255/26.5 · Σ (relu(b − max) + relu(−b)).

    The codec clips what lies outside, so without it nothing would call those pixels back.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    bottleneck = np.array([-1.0, 0.0, 255.0, 257.0]).reshape(1, 2, 2, 1)
    assert np.allclose(ks.losses.range_penalty(bottleneck), [3 * 255 / 26.5])
    ```

    Args:
        bottleneck: [batch, height, width, channels].
        image_max: the largest value that the codec takes.

    Returns:
        [batch] float32.
    """
    bottleneck = ops.cast(ops.convert_to_tensor(bottleneck), "float32")
    outside = ops.relu(bottleneck - image_max) + ops.relu(-bottleneck)
    return PENALTY_WEIGHT * ops.sum(outside, axis=(1, 2, 3))
