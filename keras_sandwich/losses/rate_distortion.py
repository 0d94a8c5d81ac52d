"""What a sandwich is trained on: distortion + γ·rate/N + penalty/N."""

import math
from typing import Any

import keras
from keras import ops

# The weight of the range penalty against squared errors (the published implementation's).
PENALTY_WEIGHT = 255.0 / 26.5

DECIBELS = 10.0 / math.log(10.0)


def rate_distortion_cost(
    distortion: Any, rate: Any, num_elements: Any, gamma: Any, penalty: Any = 0.0
) -> Any:
    """The cost distortion + (γ·rate + penalty)/N.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    cost = ks.losses.rate_distortion_cost(
        np.float32([10.0]), np.float32([96.0]), 8 * 8 * 3, gamma=50.0
    )
    assert np.allclose(cost, [10.0 + 50.0 * 96 / 192])
    ```

    Args:
        distortion: [batch, …]: one number for each sample, or for each of its pixels.
        rate: [batch] in bits.
        num_elements: N, the elements of a sample of the output: all its dimensions but the batch, channels too.
        gamma: γ, distortion per bit and element.
        penalty: [batch], such as `range_penalty`, or 0.

    Returns:
        Like `distortion`, float32.
    """
    distortion, rate, penalty = (_as_float32(value) for value in (distortion, rate, penalty))
    added = (gamma * rate + penalty) / ops.cast(num_elements, "float32")
    return distortion + ops.reshape(added, (-1,) + (1,) * (len(distortion.shape) - 1))


def in_decibels(cost: Any) -> Any:
    """Costs whose means over the samples' elements are 10·log10 of what they were, with that gradient.

    Measures of pictures are means of decibels. A mean of costs is ruled by the samples that cost most, coarsely coded
    and hard to code; a mean of decibels takes all alike.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    cost = ks.losses.in_decibels(np.float32([10.0, 1000.0]))
    assert np.allclose(cost, [10.0, 30.0])
    ```

    Args:
        cost: [batch, …], positive: of each sample, or of each of its pixels.

    Returns:
        Like `cost`, float32.
    """
    cost = _as_float32(cost)
    mean = ops.stop_gradient(mean_per_sample(cost))
    mean = ops.reshape(mean, (-1,) + (1,) * (len(cost.shape) - 1))
    return DECIBELS * (cost / mean - 1.0 + ops.log(mean))


def distortions(loss: Any, target: Any, prediction: Any) -> Any:
    """Any Keras loss as distortions, before any reduction: what the loss gives for each pixel, or for each sample.

    Args:
        loss: the name of a Keras loss, a `keras.losses.Loss` (its reduction is not used), or a callable of
            (target, prediction) that returns a tensor whose first axis is the batch, or a scalar.
        target: [batch, …, channels], of any rank.
        prediction: of the same shape.

    Returns:
        [batch, …] float32: for most losses of Keras the mean over the channels.
    """
    loss = keras.losses.get(loss)
    target, prediction = _as_float32(target), _as_float32(prediction)
    compare = loss.call if isinstance(loss, keras.losses.Loss) else loss
    values = _as_float32(compare(target, prediction))
    if len(values.shape) == 0:
        return ops.broadcast_to(values, (ops.shape(target)[0],))
    return values


def distortion_per_sample(loss: Any, target: Any, prediction: Any) -> Any:
    """Any Keras loss as a distortion: the mean of its elements for each sample.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    target = np.zeros((2, 4, 4, 3), "float32")
    prediction = np.full((2, 4, 4, 3), 3.0, "float32")
    mse = ks.losses.distortion_per_sample("mse", target, prediction)
    assert np.allclose(mse, [9.0, 9.0])
    ```

    Args:
        loss: the name of a Keras loss, a `keras.losses.Loss` (its reduction is not used), or a callable of
            (target, prediction) that returns a tensor whose first axis is the batch, or a scalar.
        target: [batch, height, width, channels], or samples of any other rank.
        prediction: of the same shape.

    Returns:
        [batch] float32.
    """
    return mean_per_sample(distortions(loss, target, prediction))


def mean_per_sample(values: Any) -> Any:
    """[batch, …] to [batch]."""
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
        bottleneck: [batch, height, width, channels], or of any other rank.
        image_max: the largest value that the codec takes.

    Returns:
        [batch] float32.
    """
    bottleneck = _as_float32(bottleneck)
    outside = ops.relu(bottleneck - image_max) + ops.relu(-bottleneck)
    return PENALTY_WEIGHT * ops.sum(outside, axis=tuple(range(1, len(bottleneck.shape))))


def _as_float32(value: Any) -> Any:
    return ops.convert_to_tensor(value, "float32")
