"""Pictures from files and arrays, whole: checked, and brought to three colours."""

import os

import numpy as np

from keras_sandwich.pictures import find_pictures, read_srgb


def load_images(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """All pictures of a folder and of its subfolders, whole, to measure with.

    Example:

    ```python
    import pathlib, tempfile
    import keras_sandwich as ks
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        Image.new("L", (48, 32), 200).save(pathlib.Path(folder, "gray.png"))
        pictures = ks.datasets.load_images(folder)
    assert list(pictures) == ["gray"] and pictures["gray"].shape == (32, 48, 3)
    ```

    Args:
        path: a folder.

    Returns:
        A uint8 array [height, width, 3] for each picture, by its path below the folder without the suffix, sorted. Gray
        pictures get three equal channels; transparency is dropped, orientation applied.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: the folder holds no pictures, one that cannot be read, or two that differ in their suffix alone.
        ImportError: Pillow is not installed.
    """
    pictures: dict[str, np.ndarray] = {}
    for file in find_pictures(path):
        name = file.relative_to(path).with_suffix("").as_posix()
        if name in pictures:
            raise ValueError(
                f"Two pictures are called {name!r}. Received path={str(path)!r}; rename one of them."
            )
        try:
            pictures[name] = read_srgb(file)
        except (OSError, ValueError) as error:
            raise ValueError(f"{error} Repair or remove it.") from error
    return pictures


def as_picture(array: np.ndarray, name: str) -> np.ndarray:
    """Checks an array of pixels and brings it to uint8 or float32 [height, width, 3]."""
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"{name} must have the shape [height, width] or [height, width, channels] with 1, 3 "
            f"or 4 channels. Received shape {array.shape}."
        )
    if array.dtype.kind not in "uif":
        raise ValueError(f"{name} must hold integers or floats. Received dtype {array.dtype}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{name} has {int((~np.isfinite(array)).sum())} NaN or infinite values. "
            "Remove the picture or repair it."
        )
    if array.size and (array.min() < 0 or array.max() > 255):
        raise ValueError(
            f"{name} must have values in [0, 255]. "
            f"Received values from {array.min()} to {array.max()}. Rescale the picture."
        )
    exact = np.uint8 if array.dtype.kind in "ui" else np.float32
    pixels = array[..., :3].astype(exact, copy=False)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels, 3, axis=-1)
