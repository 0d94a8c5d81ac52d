"""One function of tensors as each backend runs it, with its gradient, and what the machine has."""

import os
import platform
import resource
import sys
from collections.abc import Callable
from typing import Any

if os.environ.get("KERAS_BACKEND") == "torch":
    import torch  # noqa: F401 - before TensorFlow, which Keras may load
import keras
import numpy as np
from keras import ops

import keras_sandwich as ks

BACKEND = keras.backend.backend()
# How the two ways of running are called: as `compile(jit_compile=False)` and `True` do.
MODES = {
    "tensorflow": ("graph", "XLA"),
    "jax": ("op by op", "jit"),
    "torch": ("eager", "torch.compile"),
}[BACKEND]


def on_device(array: np.ndarray) -> Any:
    return ops.convert_to_tensor(array)


def _torch_compiled(layer: Any) -> Any:
    import torch

    # Each size by itself: a size that varies is a symbol, on which Keras' `Layer.__call__` breaks the graph.
    # All cases share the code of that method, and so one count of compilations.
    torch._dynamo.config.recompile_limit = 100
    return torch.compile(layer, fullgraph=True, dynamic=False)


def forward(layer: Any, compiled: bool) -> Callable[[Any], Any]:
    """images -> (decoded, bits), without a gradient."""
    if BACKEND == "jax":
        import jax

        return jax.jit(layer) if compiled else layer
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(layer, jit_compile=compiled, autograph=False)
    import torch

    return torch.no_grad()(_torch_compiled(layer) if compiled else layer)


def forward_and_backward(layer: Any, compiled: bool) -> Callable[[Any], Any]:
    """images -> gradients of Σ decoded²/2 + Σ bits by the images and the layer's weights."""

    def scalar(decoded: Any, bits: Any) -> Any:
        return 0.5 * ops.sum(decoded * decoded) + ops.sum(bits)

    variables = layer.trainable_variables
    if BACKEND == "jax":
        import jax

        fixed = [v.value for v in layer.non_trainable_variables]

        def pure(images: Any, values: Any) -> Any:
            return scalar(*layer.stateless_call(values, fixed, images)[0])

        gradients = jax.grad(pure, argnums=(0, 1))
        gradients = jax.jit(gradients) if compiled else gradients
        return lambda images: gradients(images, [v.value for v in variables])
    if BACKEND == "tensorflow":
        import tensorflow as tf

        def step(images: Any) -> Any:
            points = [images, *(v.value for v in variables)]
            with tf.GradientTape() as tape:
                tape.watch(images)
                loss = scalar(*layer(images))
            return tape.gradient(loss, points)

        return tf.function(step, jit_compile=compiled, autograph=False)
    import torch

    call = _torch_compiled(layer) if compiled else layer

    def torch_step(images: Any) -> Any:
        images = images.detach().requires_grad_(True)
        return torch.autograd.grad(scalar(*call(images)), [images, *(v.value for v in variables)])

    return torch_step


def wait(results: Any) -> None:
    """Returns when the device has computed the results."""
    if BACKEND == "jax":
        import jax

        jax.block_until_ready(results)
    elif BACKEND == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
    else:
        first = keras.tree.flatten(results)[0]
        if hasattr(first, "numpy"):
            first.numpy()


def reset_peak_memory() -> None:
    """Where the backend can; elsewhere the peak is that of the whole run so far."""
    if BACKEND == "torch" and on_accelerator():
        import torch

        torch.cuda.reset_peak_memory_stats()


def peak_memory() -> tuple[float, str]:
    """MiB, and whose."""
    if not on_accelerator():
        unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, KiB on Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, "process"
    if BACKEND == "torch":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20, "GPU"
    if BACKEND == "jax":
        import jax

        return jax.devices()[0].memory_stats()["peak_bytes_in_use"] / 2**20, "GPU"
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20, "GPU"


def on_accelerator() -> bool:
    if BACKEND == "torch":
        import torch

        return torch.cuda.is_available()
    if BACKEND == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def device_name() -> str:
    if not on_accelerator():
        return f"{platform.machine()} CPU, {len(os.sched_getaffinity(0))} cores"
    if BACKEND == "torch":
        import torch

        return torch.cuda.get_device_name()
    if BACKEND == "jax":
        import jax

        return jax.devices()[0].device_kind
    import tensorflow as tf

    gpu = tf.config.list_physical_devices("GPU")[0]
    return tf.config.experimental.get_device_details(gpu)["device_name"]


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        BACKEND: sys.modules[BACKEND].__version__,
        "keras-sandwich": ks.__version__,
    }
