"""Values and gradients of one function of tensors, on whichever backend the tests run."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()
if BACKEND == "jax":
    import jax

    # These tests compile much and compute little; the numbers do not depend on how well.
    jax.config.update("jax_disable_most_optimizations", True)
    # But where a test asks for a compiled program, it gets the one that users run.
    AS_USERS_HAVE_IT: dict[str, Any] = {
        "xla_backend_optimization_level": 3,
        "xla_llvm_disable_expensive_passes": False,
    }
    if "xla_cpu_use_fusion_emitters" in os.environ.get("XLA_FLAGS", ""):  # run_backends.py
        AS_USERS_HAVE_IT["xla_cpu_use_fusion_emitters"] = True


def to_numpy(values: Any) -> Any:
    """Nested tensors as NumPy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, values)


def compiled(function: Callable[..., Any], differentiated: bool) -> Callable[..., Any]:
    """The function as one program: XLA on JAX and TensorFlow, one whole graph on PyTorch.

    PyTorch's is differentiated ahead of time if it is `differentiated`, which takes as long again.
    """
    if BACKEND == "jax":
        return _jax_program(function, optimized=True)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True, autograph=False)
    import torch

    # Captured whole; making machine code of it takes minutes.
    backend = "aot_eager" if differentiated else "eager"
    return torch.compile(function, fullgraph=True, backend=backend)


def run(function: Callable[..., Any], *arrays: Any, compile: bool | None = None) -> Any:
    """function(*tensors of the arrays), as NumPy.

    Compiled or not as the argument says; by default only on JAX, where compiling a program is cheaper
    than compiling each of its operations.
    """
    if isinstance(function, keras.layers.Layer) and not function.built:
        function.build(np.shape(arrays[0]))
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    if compile is None and BACKEND == "jax":
        return to_numpy(_jax_program(function, optimized=False)(*tensors))
    return to_numpy((compiled(function, False) if compile else function)(*tensors))


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


def _jax_program(function: Any, optimized: bool) -> Callable[..., Any]:
    def program(*arguments: Any) -> Any:
        # JAX keeps the program of a function that it knows, with the weights of that day in it: it gets a new one.
        lowered = jax.jit(lambda *given: function(*given)).lower(*arguments)
        return lowered.compile(AS_USERS_HAVE_IT if optimized else None)(*arguments)

    return program


def _jax(function: Any, tensors: Any, variables: Any, compile: bool | None) -> Any:
    def pure(tensors: Any, values: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*tensors)

    gradient = jax.grad(pure, argnums=(0, 1), has_aux=True)
    gradients_of = _jax_program(gradient, optimized=bool(compile))
    values = [variable.value for variable in variables]
    (by_tensors, by_variables), others = gradients_of(tensors, values)
    if compile is False:
        others = function(*tensors)[1]
    return others, [*by_tensors, *by_variables]


def _tensorflow(function: Any, tensors: Any, variables: Any, compile: bool | None) -> Any:
    import tensorflow as tf

    def step(*tensors: Any) -> Any:
        points = [*tensors, *(variable.value for variable in variables)]
        with tf.GradientTape() as tape:
            tape.watch(points)
            scalar, others = function(*tensors)
        return others, tape.gradient(
            scalar, points, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    return (compiled(step, True) if compile else step)(*tensors)


def _torch(function: Any, tensors: Any, variables: Any, compile: bool | None) -> Any:
    import torch

    tensors = [tensor.detach().clone().requires_grad_(True) for tensor in tensors]
    points = [*tensors, *(variable.value for variable in variables)]
    scalar, others = (compiled(function, True) if compile else function)(*tensors)
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
