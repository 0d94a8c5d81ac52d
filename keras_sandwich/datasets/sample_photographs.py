"""The photographs that come with the package: squares to train on, and others held out."""

import io
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np

from keras_sandwich._arguments import require_option
from keras_sandwich._optional import import_library

_SPLITS = ("train", "test")


def sample_names(split: str = "train") -> list[str]:
    """Names of the bundled photographs, in the order of `sample_images`.

    Authors and licences are listed in `keras_sandwich/datasets/samples/LICENSES.md`.

    Example:
    ```python
    import keras_sandwich as ks

    assert "chelsea_eyes" in ks.datasets.sample_names("test")
    ```

    Args:
        split: `"train"`, or `"test"` for the pictures held out from training.

    Returns:
        A list of n names, sorted, without suffix.

    Raises:
        ValueError: If there is no such split.
    """
    return [file.name.removesuffix(".webp") for file in _files(split)]


def sample_images(split: str = "train") -> np.ndarray:
    """The bundled photographs: 256×256 pixels, three colours, no compression artefacts.

    The training pictures are detailed squares of nine photographs, the test pictures are six
    squares of others, which nothing in this package was trained on.

    Example:
    ```python
    import keras_sandwich as ks

    assert ks.datasets.sample_images("test").shape == (6, 256, 256, 3)
    dataset = ks.datasets.image_folder(ks.datasets.sample_images("train"), crop_size=128)
    ```

    Args:
        split: `"train"`, or `"test"` for the pictures held out from training.

    Returns:
        uint8 array [n, 256, 256, 3] of RGB values in 0…255.

    Raises:
        ValueError: If there is no such split.
        ImportError: If Pillow is not installed.
    """
    files = _files(split)
    pillow = import_library("PIL.Image", "`sample_images`", "media")
    pictures = []
    for file in files:
        with pillow.open(io.BytesIO(file.read_bytes())) as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    return np.stack(pictures)


def _files(split: str) -> list[Traversable]:
    require_option(split, _SPLITS, "split")
    folder = resources.files("keras_sandwich.datasets") / "samples" / split
    files = [file for file in folder.iterdir() if file.name.endswith(".webp")]
    return sorted(files, key=lambda file: file.name)
