"""Models that can be exported as soon as they are built."""

from typing import Any

import keras


class ExportableWhenBuilt(keras.Model):
    """Keras exports only what was called, and a loaded model was not."""

    def export(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.export`, also of a model that was loaded or built and never called."""
        shapes = (self.get_build_config() or {}).get("input_shape")
        if shapes is not None and not kwargs.get("input_signature"):
            several = isinstance(shapes, dict)
            inputs = (
                {key: keras.KerasTensor(tuple(shape)) for key, shape in shapes.items()}
                if several
                else keras.KerasTensor(tuple(shapes))
            )
            self(inputs)
        return super().export(*args, **kwargs)
