"""The pictures that systems are measured on: from arrays, dicts, lists, files and folders."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich.datasets.pictures import load_images
from keras_sandwich.datasets.video_frames import load_video
from keras_sandwich.inference.pictures import PICTURE_AXES, Pictures, require_range
from keras_sandwich.pictures import read_srgb

EIGHT_BITS = "Files are read as R, G and B of 8 bits"


class MeasuredPictures(NamedTuple):
    """Pictures one by one, float32 [height, width, channels], finite, at least one; and their names, where known."""

    names: list[str]
    pictures: list[np.ndarray]
    build_shape: Any  # the tensors' shapes by the model's keys, height and width left open


def measured_pictures(
    system: Any, images: Any, picture_names: Sequence[str] = ()
) -> MeasuredPictures:
    """What was given, as pictures: a dict's tensors of one picture side by side.

    A dict holds single pictures by their names, as `load_images` returns, or batches and lists by the model's keys.
    """
    names: list[str] = []
    if _are_paths(images):
        names, images = _read(system, images)
    elif isinstance(images, Mapping) and _is_by_name(system, images):
        names, images = [str(name) for name in images], list(images.values())
    shape = None
    if isinstance(images, Mapping):
        keys = getattr(system, "model_keys", tuple(images))  # a baseline knows no names
        images = Pictures(images, keys or ("image",))
        shape = images.build_shape()
    pictures = [np.asarray(image, "float32") for image in images]
    _require_pictures(pictures)
    given = [str(name) for name in picture_names]
    if given and len(given) != len(pictures):
        raise ValueError(
            f"Expected as many `picture_names` as pictures, {len(pictures)}. Received {len(given)}."
        )
    shape = shape or (None, None, None, pictures[0].shape[-1])
    return MeasuredPictures(given or names, pictures, shape)


def measured_clips(
    system: Any, clips: Any, clip_names: Sequence[str] = ()
) -> tuple[list[str], list[np.ndarray]]:
    """The names, where known, and the clips one by one, float32 [frames, height, width, channels], finite.

    From an array of them, a list, a dict by their names, a video file, or several.
    """
    names: list[str] = []
    if _are_paths(clips):
        if getattr(system, "num_truncate_bits", 0):
            raise ValueError(f"{EIGHT_BITS}. Received {str(clips)[:80]!r}; pass arrays.")
        files = [Path(path) for path in (clips if isinstance(clips, list | tuple) else [clips])]
        names, clips = [file.stem for file in files], [load_video(file) for file in files]
    elif isinstance(clips, Mapping):
        names, clips = [str(name) for name in clips], list(clips.values())
    clips = [np.asarray(clip, "float32") for clip in clips]
    _require_pictures(clips, "clips", ("frames", *PICTURE_AXES[1:]))
    given = [str(name) for name in clip_names]
    if given and len(given) != len(clips):
        raise ValueError(
            f"Expected as many `picture_names` as clips, {len(clips)}. Received {len(given)}."
        )
    return given or names, clips


def peak_for(system: Any, pictures: Sequence[np.ndarray]) -> float:
    """The largest value of a system's pictures; ValueError for pictures out of its range, which would be clipped."""
    advice = ", or pass a system for pictures of more bits, such as CodecAlone(num_truncate_bits=…)"
    return require_range(pictures, getattr(system, "num_truncate_bits", 0), advice, stacklevel=4)


def _are_paths(images: Any) -> bool:
    """Whether a path was given, or a list of paths."""
    listed = images if isinstance(images, list | tuple) and images else [images]
    return all(isinstance(path, str | os.PathLike) for path in listed)


def _read(system: Any, paths: Any) -> tuple[list[str], list[np.ndarray]]:
    """The names and the pixels of a folder's pictures, of a file or of several files."""
    if getattr(system, "num_truncate_bits", 0):
        raise ValueError(
            f"{EIGHT_BITS}, and this system is for pictures of "
            f"{8 + system.num_truncate_bits}. Received {str(paths)[:80]!r}; read the files and pass arrays."
        )
    names, pictures = [], []
    for path in paths if isinstance(paths, list | tuple) else [paths]:
        file = Path(path)
        found = {file.stem: read_srgb(file)} if file.is_file() else load_images(file)
        names += list(found)
        pictures += list(found.values())
    return names, pictures


def _is_by_name(system: Any, images: Mapping[str, Any]) -> bool:
    """Whether a dict holds single pictures by their names; ValueError where its names are the model's keys too."""
    single = [
        not isinstance(value, list | tuple) and np.ndim(value) == 3 for value in images.values()
    ]
    if not images or not all(single):
        return False
    keys = tuple(getattr(system, "model_keys", ()))
    if keys and all(key in images for key in keys):
        raise ValueError(
            f"It is not clear whether {list(images)[:4]} are names of pictures or keys of the model, which has "
            f"{keys}. Received a dict of single pictures [height, width, channels]; put what belongs to a key into a "
            "list or a batch, or pass a list of pictures and their `picture_names`."
        )
    if len(keys) > 1:
        raise ValueError(
            f"A model with the keys {keys} takes a dict by them. Received pictures by the names "
            f"{list(images)[:4]}; pass {{key: list of pictures}} and `picture_names`."
        )
    return True


def _require_pictures(
    pictures: list[np.ndarray], what: str = "pictures", axes: tuple[str, ...] = PICTURE_AXES[1:]
) -> None:
    for picture in pictures:
        if picture.ndim != len(axes):
            raise ValueError(
                f"Expected {what} [{', '.join(axes)}]. Received one of shape "
                f"{picture.shape}; put a single {what[:-1]} into a list."
            )
    counts = sorted({picture.shape[-1] for picture in pictures})
    if len(counts) > 1:
        raise ValueError(
            f"Expected {what} of one number of channels. Received {counts}; make a curve for each."
        )
    if not pictures or not all(np.all(np.isfinite(picture)) for picture in pictures):
        raise ValueError(
            f"Expected at least one {what[:-1]}, of finite pixels. "
            f"Received {len(pictures)} {what}, "
            f"{sum(not np.all(np.isfinite(picture)) for picture in pictures)} of them not finite."
        )
