"""JPEG as an augmentation: what a picture looks like after a file of some quality."""

import sys
import threading
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import is_integer, require_option
from keras_sandwich.layers.jpeg_proxy import ARITHMETICS, JpegProxy
from keras_sandwich.layers.seed_state import load_seed, save_seed
from keras_sandwich.ops.chroma import require_subsampling
from keras_sandwich.ops.shapes import require_images


@keras.saving.register_keras_serializable(package="keras_sandwich")
class RandomJpeg(keras.layers.Layer):
    """While training, images as a JPEG file of a random quality gives them back; otherwise the images, unchanged.

    A network trained behind this layer meets the artifacts that it will meet in files. Each image of each batch gets
    its own quality. The layer has `JpegProxy`'s gradient, so what stands before it is trained too. In a `tf.data`
    pipeline it runs on every backend: `dataset.map(lambda images: augment(images, training=True))`.

    Example:

    ```python
    import keras
    import numpy as np
    import keras_sandwich as ks

    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")
    augment = ks.layers.RandomJpeg(quality=(30, 95), seed=0)
    assert augment(images, training=True).shape == images.shape
    assert np.array_equal(augment(images, training=False), images)

    classifier = keras.Sequential(
        [augment, keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    assert classifier(images).shape == (4, 10)
    ```

    Args:
        quality: (low, high), whole numbers from 1 (coarse) to 100; each is as likely, both ends included. A number
            alone is the quality of every image.
        chroma_subsampling: of images of three channels: "4:4:4", "4:2:2" or "4:2:0".
        arithmetic: as in `JpegProxy`. "libjpeg": images are rounded to 8 bits, and the result is, pixel for pixel,
            that of a file which Pillow writes and reads. "float": the same without integers, which takes less time.
        value_range: (low, high), the values of black and white in images.
        seed: seed of the qualities.

    Call arguments:
        images: [batch, height, width, channels] in `value_range`; one channel is coded as grayscale, three, RGB, as
            YCbCr.
        training: whether to draw qualities and code; False where neither the caller nor Keras says it, as in
            `keras.layers.Dropout`.

    Returns:
        A tensor like `images`, of the layer's compute dtype; the codec works in float32.

    Raises:
        ValueError: a bad option; images of another rank than 4 or of other than one or three channels.
    """

    def __init__(
        self,
        quality: int | Sequence[int] = (30, 95),
        chroma_subsampling: str = "4:2:0",
        arithmetic: str = "libjpeg",
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_subsampling(chroma_subsampling)
        require_option(arithmetic, ARITHMETICS, "arithmetic")
        self.quality = _require_qualities(quality)
        self.chroma_subsampling = chroma_subsampling
        self.arithmetic = arithmetic
        self.value_range = _require_range(value_range)
        self.seed = seed
        self._seed = keras.random.SeedGenerator(seed)
        self._one_at_a_time = threading.Lock()

    def build(self, images_shape: Any) -> None:
        if len(images_shape) != 4 or images_shape[-1] not in (1, 3):
            raise ValueError(
                "Expected images [batch, height, width, channels] with 1 channel (grayscale) or 3 (RGB). "
                f"Received shape {tuple(images_shape)}."
            )
        self.proxy = JpegProxy(
            convert_to_yuv=images_shape[-1] == 3,
            chroma_subsampling=self.chroma_subsampling,
            arithmetic=self.arithmetic,
            dtype=self.dtype_policy,
            name="proxy",
        )
        self.proxy.build(images_shape)

    def __call__(self, images: Any, *args: Any, **kwargs: Any) -> Any:
        if keras.backend.backend() != "tensorflow" and _in_tensorflow_s_graph(images):
            return self._in_tf_data(images, *args, **kwargs)
        return super().__call__(images, *args, **kwargs)

    def _in_tf_data(self, images: Any, training: bool | None = False) -> Any:
        """A batch of a `tf.data` pipeline on another backend: coded by that backend, beside the graph."""
        tf = sys.modules["tensorflow"]  # whose tensor this is
        if not training:
            return tf.cast(images, self.compute_dtype)
        if not self.built:
            self.build(tuple(images.shape))

        def code(batch: np.ndarray) -> np.ndarray:
            with self._one_at_a_time:  # a pipeline's threads would draw the same qualities
                return ops.convert_to_numpy(self(batch, training=True))

        coded = tf.numpy_function(code, [images], self.compute_dtype)
        coded.set_shape(images.shape)
        return coded

    def call(self, images: Any, training: bool | None = False) -> Any:
        if not training:
            return ops.cast(images, self.compute_dtype)
        images = require_images(images)
        low, high = self.value_range
        pixel = (high - low) / 255.0
        qualities = keras.random.randint(
            (ops.shape(images)[0],), self.quality[0], self.quality[1] + 1, seed=self._seed
        )
        decoded, _ = self.proxy((images - low) / pixel, quality=qualities)
        return ops.cast(decoded * pixel + low, self.compute_dtype)

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        save_seed(self._seed, store, "quality_seed")

    def load_own_variables(self, store: Any) -> None:
        load_seed(self._seed, store, "quality_seed")

    def compute_output_shape(self, images_shape: Any) -> Any:
        return tuple(images_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "quality": self.quality,
            "chroma_subsampling": self.chroma_subsampling,
            "arithmetic": self.arithmetic,
            "value_range": self.value_range,
            "seed": self.seed,
        }


def _in_tensorflow_s_graph(images: Any) -> bool:
    """Whether this is a tensor of TensorFlow that has no value yet."""
    return type(images).__module__.startswith("tensorflow.") and not hasattr(images, "numpy")


def _require_qualities(quality: Any) -> tuple[int, int]:
    """(low, high) of what was given, or a ValueError."""
    ends = [quality, quality] if is_integer(quality) else quality
    valid = isinstance(ends, Sequence) and len(ends) == 2 and all(map(is_integer, ends))
    if not valid or not 1 <= ends[0] <= ends[1] <= 100:
        raise ValueError(
            "`quality` must be a whole number from 1 to 100 or a pair of them, low ≤ high. "
            f"Received quality={quality!r}."
        )
    return int(ends[0]), int(ends[1])


def _require_range(value_range: Any) -> tuple[float, float]:
    """(low, high) of what was given, or a ValueError."""
    valid = isinstance(value_range, Sequence) and len(value_range) == 2
    if not valid or not float("-inf") < value_range[0] < value_range[1] < float("inf"):
        raise ValueError(
            "`value_range` must be a pair of finite numbers, low < high. "
            f"Received value_range={value_range!r}."
        )
    return float(value_range[0]), float(value_range[1])
