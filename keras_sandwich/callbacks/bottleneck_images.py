"""Pictures of what the codec gets to see, while it is being learnt."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._optional import import_library
from keras_sandwich._whole_files import replace_whole


class BottleneckImages(keras.callbacks.Callback):
    """Writes a picture at each epoch's end: original, bottleneck, decoded bottleneck and reconstruction, side by side.

    One row per picture; `epoch_0001.png` and so on. Channels beyond three are not shown.

    Example:

    ```python
    import pathlib, tempfile
    import numpy as np
    import keras_sandwich as ks

    model = ks.models.create_basic_model(
        use_unet_preprocessor=False, use_unet_postprocessor=False, gamma=700.0
    )
    model.compile("adam")
    images = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        pictures = ks.callbacks.BottleneckImages(images[:2], folder)
        model.fit(images, callbacks=[pictures], verbose=0)
        assert [path.name for path in pathlib.Path(folder).iterdir()] == ["epoch_0001.png"]
    ```

    Args:
        images: [number, height, width, channels] in [0, 255·2^k], or a dict by the model's keys; for a model of clips
            with frames before the height.
        directory: where the pictures are written; made if it is not there.

    Raises:
        ImportError: Pillow is not installed.
    """

    def __init__(self, images: Any, directory: str | Path) -> None:
        super().__init__()
        self._image = import_library("PIL.Image", "`BottleneckImages`", "media")
        self.images = images
        self.directory = Path(directory)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        outputs = self.model(self.images, training=False)
        keys = self.model.model_keys
        originals = self.images if isinstance(self.images, dict) else {keys[0]: self.images}
        scale = 2.0**self.model.num_truncate_bits
        columns = [
            ops.convert_to_numpy(originals[keys[0]]) / scale,
            ops.convert_to_numpy(outputs["bottleneck"]),
            ops.convert_to_numpy(outputs[self.model.decoded_key]),
            ops.convert_to_numpy(outputs[keys[0]]) / scale,
        ]
        columns = [column.reshape(-1, *column.shape[-3:]) for column in columns]  # clips: by frames
        size = columns[0].shape[1:3]
        row = np.concatenate([_as_rgb(column, size) for column in columns], axis=2)
        picture = np.concatenate(list(row), axis=0)
        self.directory.mkdir(parents=True, exist_ok=True)
        with replace_whole(self.directory / f"epoch_{epoch + 1:04d}.png") as path:
            self._image.fromarray(picture).save(path)


def _as_rgb(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Any number of channels as uint8 RGB, smaller pictures set at the top left of the full size."""
    pixels = np.clip(np.round(images.astype("float32")), 0, 255).astype("uint8")
    channels = pixels.shape[-1]
    if channels == 2:
        pixels = np.concatenate([pixels, np.zeros_like(pixels[..., :1])], axis=-1)
    pixels = np.repeat(pixels, 3, axis=-1) if channels == 1 else pixels[..., :3]
    missing = [(0, full - own) for full, own in zip(size, pixels.shape[1:3], strict=True)]
    return np.pad(pixels, [(0, 0), *missing, (0, 0)], constant_values=255)
