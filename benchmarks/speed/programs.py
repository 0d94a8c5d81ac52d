"""Whether a training step is one compiled program that never calls back to the host."""

from typing import Any

from benchmarks.speed.backend import BACKEND
from benchmarks.speed.cases import pictures


def one_program(model: Any) -> str:
    """A sentence on the compiled step of a compiled and built model; raises if it is not one program."""
    images = pictures(128, 3)
    if BACKEND == "torch":
        import torch

        # Dynamo alone: "fullgraph" raises where the graph would break.
        torch.compile(model, backend="eager", fullgraph=True)(torch.from_numpy(images))
        return "the forward pass compiles with fullgraph=True"
    if BACKEND == "tensorflow":
        import tensorflow as tf

        images = tf.constant(images)

        def step(images: Any) -> Any:
            return model.train_step((images,))

        # XLA's whole program: it has no operation for Python, so an op that needs the host raises.
        compiled = tf.function(step, jit_compile=True, autograph=False)
        text = compiled.experimental_get_compiler_ir(images)(stage="hlo")
    else:
        import jax

        model._symbolic_build(data_batch=(images, None, None))
        state = model._get_jax_state(
            trainable_variables=True,
            non_trainable_variables=True,
            optimizer_variables=True,
            metrics_variables=True,
        )
        text = jax.jit(model.train_step).lower(state, (images, None, None)).as_text()
    for forbidden in ("callback", "infeed", "outfeed", "send(", "recv("):
        if forbidden in text:
            raise RuntimeError(f"The compiled step contains {forbidden!r}.")
    return "the step is one XLA program without host callbacks"
