"""The formats that networks are exported to: what each can hold, and which backends of Keras write it."""

from dataclasses import dataclass

import keras

from keras_sandwich._arguments import require_option

PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class ExportFormat:
    """A format of exported networks.

    Attributes:
        name: as it is asked for.
        suffix: of a network's file; none for a folder.
        backends: of Keras that write it.
        precisions: that it is written in.
        any_size: whether one file serves pictures of every size.
        extra: of this package, which brings what writes and runs it; None: the backend does.
    """

    name: str
    suffix: str
    backends: tuple[str, ...]
    precisions: tuple[str, ...] = PRECISIONS
    any_size: bool = True
    extra: str | None = None


FORMATS = {
    form.name: form
    for form in (
        ExportFormat("onnx", ".onnx", ("torch", "tensorflow"), extra="onnx"),
        ExportFormat("openvino", ".xml", ("torch", "tensorflow"), extra="openvino"),
        ExportFormat("litert", ".tflite", ("tensorflow",), extra="litert"),
        ExportFormat("tf_saved_model", "", ("tensorflow",), ("float32",)),
        ExportFormat("torch", ".pt2", ("torch",), ("float32",), any_size=False),
    )
}


def require_format(name: str, precision: str, size: tuple[int, int] | None) -> ExportFormat:
    """The format of a name, if it can be written so, and here; else ValueError."""
    require_option(name, tuple(FORMATS), "format")
    require_option(precision, PRECISIONS, "precision")
    form = FORMATS[name]
    if precision not in form.precisions:
        others = [other.name for other in FORMATS.values() if precision in other.precisions]
        raise ValueError(
            f"The format {name!r} is written in {' and '.join(form.precisions)} alone. Received "
            f"precision={precision!r}, which {', '.join(map(repr, others))} have."
        )
    if size is None and not form.any_size:
        raise ValueError(
            f"The format {name!r} holds a program for pictures of one size. Received no size; pass "
            "size=(height, width) (--size HEIGHT WIDTH)."
        )
    here = keras.backend.backend()
    if here not in form.backends:
        raise ValueError(
            f"The format {name!r} is written on the backend {' or '.join(form.backends)}. Keras runs on "
            f"{here} here; before Python starts: export KERAS_BACKEND={form.backends[0]}."
        )
    return form
