"""Values and gradients of one function of tensors, on whichever backend the tests run."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()
if BACKEND == "jax":
    import jax

    # These tests compile much and compute little; the numbers do not depend on how well.
    jax.config.update("jax_disable_most_optimizations", True)


def to_numpy(values: Any) -> Any:
    """Nested tensors as NumPy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, values)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one program: XLA on JAX and TensorFlow, one whole graph on PyTorch."""
    if BACKEND == "jax":
        # JAX keeps the program of a function that it knows, with the weights of that day in it: it gets a new one.
        return jax.jit(lambda *arguments: function(*arguments))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True, autograph=False)
    import torch

    # Captured whole and differentiated ahead of time; making machine code of it takes minutes.
    return torch.compile(function, fullgraph=True, backend="aot_eager")


def run(function: Callable[..., Any], *arrays: Any, compile: bool | None = None) -> Any:
    """function(*tensors of the arrays), as NumPy.

    Compiled or not as the argument says; by default only on JAX, where compiling a program is cheaper
    than compiling each of its operations.
    """
    if isinstance(function, keras.layers.Layer) and not function.built:
        function.build(np.shape(arrays[0]))
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    compile = BACKEND == "jax" if compile is None else compile
    return to_numpy((compiled(function) if compile else function)(*tensors))


def differentiate(
    function: Callable[..., tuple[Any, Any]],
    arrays: Sequence[Any],
    variables: Sequence[Any] = (),
    compile: bool | None = None,
) -> tuple[Any, list[np.ndarray], list[np.ndarray]]:
    """Gradients of function(*arrays) -> (scalar, other results).

    Returns the other results, the scalar's gradients by the arrays, and those by the variables. `compile`
    is that of `run`, but JAX compiles the gradients always.
    """
    how = {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[BACKEND]
    tensors = [keras.ops.convert_to_tensor(np.asarray(array, "float32")) for array in arrays]
    compile = BACKEND == "jax" if compile is None else compile
    others, gradients = how(function, tensors, list(variables), compile)
    gradients = [
        np.zeros(tuple(point.shape), "float32") if gradient is None else to_numpy(gradient)
        for gradient, point in zip(gradients, [*tensors, *variables], strict=True)
    ]
    return to_numpy(others), gradients[: len(tensors)], gradients[len(tensors) :]


def gradient(function: Callable[[Any], Any], array: Any, compile: bool | None = None) -> np.ndarray:
    """The gradient of the sum of function(array)."""

    def scalar(x: Any) -> tuple[Any, Any]:
        return keras.ops.sum(function(x)), ()

    return differentiate(scalar, [array], compile=compile)[1][0]


def _jax(function: Any, tensors: Any, variables: Any, compile: bool) -> Any:
    def pure(tensors: Any, values: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*tensors)

    gradients_of = jax.jit(jax.grad(pure, argnums=(0, 1), has_aux=True))
    values = [variable.value for variable in variables]
    (by_tensors, by_variables), others = gradients_of(tensors, values)
    if not compile:
        others = function(*tensors)[1]
    return others, [*by_tensors, *by_variables]


def _tensorflow(function: Any, tensors: Any, variables: Any, compile: bool) -> Any:
    import tensorflow as tf

    def step(*tensors: Any) -> Any:
        points = [*tensors, *(variable.value for variable in variables)]
        with tf.GradientTape() as tape:
            tape.watch(points)
            scalar, others = function(*tensors)
        return others, tape.gradient(
            scalar, points, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    return (compiled(step) if compile else step)(*tensors)


def _torch(function: Any, tensors: Any, variables: Any, compile: bool) -> Any:
    import torch

    tensors = [tensor.detach().clone().requires_grad_(True) for tensor in tensors]
    points = [*tensors, *(variable.value for variable in variables)]
    scalar, others = (compiled(function) if compile else function)(*tensors)
    if not scalar.requires_grad:
        return others, [None] * len(points)
    return others, torch.autograd.grad(scalar, points, allow_unused=True)


def finite_differences(
    function: Callable[[np.ndarray], float], point: np.ndarray, step: float, places: Any
) -> np.ndarray:
    """Central differences of a float64 function at some places of the raveled point."""
    slopes = []
    for place in places:
        above, below = (np.array(point, "float64") for _ in range(2))
        above.flat[place] += step
        below.flat[place] -= step
        slopes.append((function(above) - function(below)) / (2 * step))
    return np.array(slopes)
