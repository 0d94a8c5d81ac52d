"""Pictures from files and arrays: found, decoded, checked, brought to three colours."""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

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


def find_pictures(folder: str | os.PathLike[str]) -> list[Path]:
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
    pictures = sorted(_walk(folder), key=lambda file: file.relative_to(folder).parts)
    if not pictures:
        raise ValueError(
            f"The folder holds no pictures. Received: path={str(folder)!r}. Files with these "
            f"suffixes are looked for, in its subfolders too: {', '.join(SUFFIXES)}."
        )
    return pictures


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise PermissionError(
            f"The folder {error.filename!r} cannot be read: {error.strerror}. "
            "Allow reading it, or pass another folder."
        ) from error

    for place, subfolders, names in os.walk(folder, onerror=refuse):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place) / name


def read_picture(file: str | os.PathLike[str]) -> np.ndarray:
    """Decodes the whole of a picture file to uint8 [height, width, 3].

    The EXIF orientation is applied, an alpha channel is dropped, 16 bits are reduced to 8.
    """
    pillow = import_pillow("image_folder")
    with pillow.open(file) as picture:
        upright = import_pillow("image_folder", "PIL.ImageOps").exif_transpose(picture)
        if upright.mode == "F":
            raise ValueError("floating-point pixels have no known range; pass the array instead")
        if upright.mode.startswith("I"):  # 16 bits of gray, which Pillow would clip at 255
            levels = np.clip(np.asarray(upright).astype(np.float64), 0, 65535) / 257.0
            gray = np.round(levels).astype(np.uint8)
            return np.repeat(gray[..., None], 3, axis=-1)
        return np.asarray(upright.convert("RGB"))


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
