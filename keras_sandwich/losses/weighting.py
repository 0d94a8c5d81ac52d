"""Means of losses, weighted as Keras weighs them."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


def total_loss(
    values: Any, prediction: Any, sample_weight: Any = None, additional: Sequence[Any] = ()
) -> Any:
    """The mean of values as Keras takes it around any loss, plus additional losses, such as a model's `losses`.

    With sample weights, the prediction's mask, and the scaling that training on several devices asks for.

    Args:
        values: [batch, …].
        prediction: what they are values of.
        sample_weight: see `weights_for`.
        additional: tensors, each of which is summed.

    Returns:
        A scalar, float32.
    """
    if sample_weight is not None:
        sample_weight = weights_for(values, sample_weight)
    mean = _WeightedMean()
    total = mean(values, prediction, sample_weight)
    for loss in additional:
        value = ops.reshape(ops.sum(ops.cast(loss, total.dtype)), (1,))
        total = total + mean(value, value)
    return total


class _WeightedMean(keras.losses.Loss):
    """The mean of values that are there already."""

    def __init__(self) -> None:
        super().__init__(name="weighted_mean", reduction="sum_over_batch_size", dtype="float32")

    def call(self, values: Any, prediction: Any) -> Any:
        return values


def weights_for(values: Any, sample_weight: Any) -> Any:
    """Sample weights with as many axes as the values that they weigh.

    Args:
        values: [batch, …].
        sample_weight: one number for each sample, [batch] or [batch, 1], or for each of the values, as [batch, height,
            width] or [batch, height, width, 1] for what most losses give for pictures.

    Returns:
        float32, of the rank of `values`.

    Raises:
        ValueError: other shapes.
    """
    weights = ops.convert_to_tensor(sample_weight, "float32")
    expected, received = tuple(values.shape), tuple(weights.shape)
    shape = received
    while len(shape) > len(expected) and shape[-1] == 1:
        shape = shape[:-1]
    shape = shape + (1,) * (len(expected) - len(shape))
    fits = len(shape) == len(expected) and all(
        size in (1, None) or known is None or size == known
        for size, known in zip(shape[1:], expected[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            "`sample_weight` must hold one number for each sample, [batch], or for each value of the "
            f"loss, which has shape {expected}. Received shape {received}."
        )
    sizes = ops.shape(weights)[: len(shape)]
    return ops.reshape(weights, (*sizes, *(1,) * (len(shape) - len(sizes))))
