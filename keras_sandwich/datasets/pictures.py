"""Pictures from files and arrays: found, decoded, checked, brought to three colours."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".jp2", ".j2k", ".bmp"),
    *(".dib", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
)


def import_pillow(user: str, module: str = "PIL.Image") -> ModuleType:
    """A module of Pillow, or an error that says how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"`{user}` needs Pillow, which is not installed. "
            'Install it with: pip install "keras-sandwich[media]"'
        ) from error


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
                f"Two pictures are called {name!r}. Received: path={str(path)!r}; rename one of them."
            )
        try:
            pictures[name] = read_picture(file)
        except (OSError, ValueError, SyntaxError) as error:
            raise ValueError(
                f"The picture {str(file)!r} cannot be read: {error}. Repair or remove it."
            ) from error
    return pictures


def find_pictures(
    folder: str | os.PathLike[str], suffixes: tuple[str, ...] = SUFFIXES
) -> list[Path]:
    """All picture files below a folder, sorted by their path, hidden ones left out."""
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(
            f"There is no such folder. Received: path={str(folder)!r} (working folder: "
            f"{str(Path.cwd())!r}). Pass a folder that holds pictures."
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"`path` must be a folder of pictures. Received the file: path={str(folder)!r}. "
            "Pass its folder, or a list of files."
        )
    pictures = sorted(_walk(folder, suffixes), key=lambda file: file.relative_to(folder).parts)
    if not pictures:
        raise ValueError(
            f"The folder holds no pictures. Received: path={str(folder)!r}. Files with these "
            f"suffixes are looked for, in its subfolders too: {', '.join(suffixes)}."
        )
    return pictures


def _walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise PermissionError(
            f"The folder {error.filename!r} cannot be read: {error.strerror}. "
            "Allow reading it, or pass another folder."
        ) from error

    for place, subfolders, names in os.walk(folder, onerror=refuse):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(suffixes) and not name.startswith("."):
                yield Path(place) / name


def read_picture(file: str | os.PathLike[str]) -> np.ndarray:
    """Decodes the whole of a picture file to uint8 [height, width, 3].

    The EXIF orientation is applied, an alpha channel is dropped, 16 bits are reduced to 8.
    """
    pillow = import_pillow("image_folder")
    with pillow.open(file) as picture:
        upright = import_pillow("image_folder", "PIL.ImageOps").exif_transpose(picture)
        return three_colours(upright)


def three_colours(picture: Any, deep: bool = False) -> np.ndarray:
    """A picture of Pillow, of whatever mode, to uint8 [height, width, 3]; an alpha channel is dropped.

    `deep` leaves pictures of 16 bits at 16: uint16.
    """
    if picture.mode == "F":
        raise ValueError("floating-point pixels have no known range; pass the array instead")
    if picture.mode.startswith("I"):  # 16 bits of gray, which Pillow would clip at 255
        levels = np.clip(np.asarray(picture).astype(np.float64), 0, 65535)
        gray = levels.astype(np.uint16) if deep else np.round(levels / 257.0).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=-1)
    return np.asarray(picture.convert("RGB"))


def as_picture(array: np.ndarray, name: str) -> np.ndarray:
    """Checks an array of pixels and brings it to uint8 or float32 [height, width, 3]."""
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"{name} must have the shape [height, width] or [height, width, channels] with 1, 3 "
            f"or 4 channels. Received: shape {array.shape}."
        )
    if array.dtype.kind not in "uif":
        raise ValueError(f"{name} must hold integers or floats. Received: dtype {array.dtype}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{name} has {int((~np.isfinite(array)).sum())} NaN or infinite values. "
            "Remove the picture or repair it."
        )
    if array.size and (array.min() < 0 or array.max() > 255):
        raise ValueError(
            f"{name} must have values in [0, 255]. "
            f"Received: values from {array.min()} to {array.max()}. Rescale the picture."
        )
    exact = np.uint8 if array.dtype.kind in "ui" else np.float32
    pixels = array[..., :3].astype(exact, copy=False)
    return pixels if pixels.shape[-1] == 3 else np.repeat(pixels, 3, axis=-1)
