"""Rounding, flooring and clipping with the gradients that training needs."""

from typing import Any

import keras
from keras import ops

from keras_sandwich.ops.shapes import as_tensor


def straight_through(value: Any, surrogate: Any) -> Any:
    """`value` going forward, the gradient of `surrogate` going back.

    Written so that the forward result is `value` to the last bit: the surrogate enters as an exact zero.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    x = np.array([0.4, 1.6], "float32")
    assert np.array_equal(ks.ops.straight_through(np.round(x), x), [0.0, 2.0])
    ```

    Args:
        value: a tensor.
        surrogate: a tensor of the same shape, finite.

    Returns:
        A tensor equal to `value`.
    """
    value, surrogate = as_tensor(value), as_tensor(surrogate)
    return ops.stop_gradient(value) + (surrogate - ops.stop_gradient(surrogate))


def round_straight_through(x: Any) -> Any:
    """Rounds half to even; the gradient is 1.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    assert np.array_equal(ks.ops.round_straight_through(np.array([0.5, 1.5, 2.4])), [0, 2, 2])
    ```
    """
    x = as_tensor(x)
    return x + rounding_remainder(x)  # exact: the difference of neighbours in float is


def rounding_remainder(x: Any) -> Any:
    """What rounding half to even adds to a tensor; without a gradient."""
    fixed = ops.stop_gradient(x)
    return ops.round(fixed) - fixed


def round_cubic(x: Any) -> Any:
    """Rounds half to even; the gradient is that of round(x) + (x − round(x))³, which is 3·(x − round(x))².

    Nearly 0 where x is next to a whole number, as rounding's own, and up to ¾ half way between two (the surrogate of
    Shin and Song, "JPEG-resistant adversarial images", 2017; theirs is the forward value too).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    assert np.array_equal(ks.ops.round_cubic(np.array([0.5, 1.5, 2.4])), [0, 2, 2])
    ```
    """
    x = as_tensor(x)
    rounded = ops.stop_gradient(ops.round(x))
    return straight_through(rounded, (x - rounded) ** 3)


def floor_straight_through(x: Any) -> Any:
    """Rounds down; the gradient is 1.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    assert np.array_equal(ks.ops.floor_straight_through(np.array([-0.5, 1.9])), [-1, 1])
    ```
    """
    x = as_tensor(x)
    return straight_through(ops.floor(x), x)


def clip(x: Any, low: float, high: float) -> Any:
    """Clips to [low, high]; the gradient is 1 there, bounds included, and 0 outside.

    JAX's own clip gives 0.5 at the bound; pictures are full of pixels exactly there.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    assert np.array_equal(ks.ops.clip(np.array([-1.0, 3.0, 300.0]), 0.0, 255.0), [0, 3, 255])
    ```

    Args:
        x: a tensor.
        low: the lower bound.
        high: the upper bound.

    Returns:
        A tensor like `x`.
    """
    x = as_tensor(x)
    # Of the tensor's dtype: on PyTorch Keras rounds them to floatx.
    low, high = (ops.convert_to_tensor(bound, x.dtype) for bound in (low, high))
    if keras.backend.backend() == "torch":  # whose own has this gradient, in half the passes
        return ops.clip(x, low, high)
    fixed = ops.stop_gradient(x)
    clipped = ops.clip(fixed, low, high)
    return ops.where(ops.equal(clipped, fixed), x, clipped)


def add_uniform_noise(x: Any, seed: Any) -> Any:
    """Adds noise, uniform in [−½, ½): rounding's error as a random variable, with an unbiased gradient.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    noisy = ks.ops.add_uniform_noise(np.zeros((100,), "float32"), keras.random.SeedGenerator(0))
    assert abs(keras.ops.convert_to_numpy(noisy)).max() <= 0.5
    ```

    Args:
        x: a tensor.
        seed: an integer or a `keras.random.SeedGenerator`.

    Returns:
        A tensor like `x`.
    """
    x = as_tensor(x)
    return x + uniform_noise(x, seed)


def uniform_noise(like: Any, seed: Any) -> Any:
    """Noise, uniform in [−½, ½), of a tensor's shape and dtype."""
    return keras.random.uniform(ops.shape(like), -0.5, 0.5, dtype=like.dtype, seed=seed)
