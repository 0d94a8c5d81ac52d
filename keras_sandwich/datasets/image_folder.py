"""Crops of the pictures in a folder, for any backend."""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.datasets.crop_dataset import (
    CropDataset,
    UnusablePicture,
    check_crop_arguments,
)
from keras_sandwich.datasets.pictures import as_picture
from keras_sandwich.pictures import find_pictures, read_srgb

CACHE_BYTES = 2**30  # pictures beyond are decoded anew each time

Source = Path | np.ndarray
Pictures = str | os.PathLike[str] | Sequence[str | os.PathLike[str] | np.ndarray] | np.ndarray


class ImageFolder(CropDataset):
    """A `keras.utils.PyDataset` of crops of pictures. Made by `image_folder`.

    `dataset[index]` is a batch, float32 [batch, crop_size, crop_size, 3] in [0, 255], and a
    function of `(seed, dataset.epoch, index)` alone. `dataset.epoch` may be set;
    `dataset.batch(index, epoch)` is the batch of any epoch.

    While `fit` runs an epoch, the batches are served in this order whatever order it asks for:
    `fit(shuffle=True)` would draw one that no seed of the dataset reaches.

    Example:
    ```python
    import keras_sandwich as ks

    dataset = ks.datasets.ImageFolder(ks.datasets.sample_images("train"), seed=1)
    dataset.epoch = 3
    assert (dataset[0] == dataset.batch(0, epoch=3)).all()
    ```

    Args:
        path: As for `image_folder`, and so are the others.
        crop_size: Height and width of the crops, in pixels.
        batch_size: Crops in a batch.
        steps_per_epoch: Batches in an epoch, or None.
        reduction: Factor by which a larger crop is reduced.
        augment: Whether crops are turned and flipped.
        shuffle: Whether the pictures come in another order in each turn.
        random_crop: Whether the place of the crop is drawn, or the middle.
        cache: Whether decoded pictures are kept in memory.
        seed: Integer in [0, 2³²).
        initial_epoch: Value of `epoch` at the beginning.
        workers: Threads that read ahead during `fit`.
    """

    def __init__(
        self,
        path: Pictures,
        *,
        crop_size: int = 128,
        batch_size: int = 8,
        steps_per_epoch: int | None = None,
        reduction: int = 1,
        augment: bool = True,
        shuffle: bool = True,
        random_crop: bool = True,
        cache: bool = True,
        seed: int = 0,
        initial_epoch: int = 0,
        workers: int = 2,
    ) -> None:
        check_crop_arguments(
            crop_size, batch_size, steps_per_epoch, reduction, seed, initial_epoch, workers
        )
        if reduction > 1:
            import_library("PIL.Image", "`reduction` above 1", "media")
        self._side = crop_size * reduction
        self._cache: dict[int, np.ndarray] = {}
        self._sources = self._usable(_sources(path), cache, max(workers, 1))
        super().__init__(
            len(self._sources),
            crop_size,
            batch_size,
            steps_per_epoch,
            reduction,
            augment,
            shuffle,
            random_crop,
            seed,
            initial_epoch,
            workers,
        )

    @property
    def names(self) -> list[str]:
        """The pictures in use: the paths of files, `pictures[i]` for arrays."""
        return [name for name, _ in self._sources]

    def read(self, number: int) -> np.ndarray:
        if number in self._cache:
            return self._cache[number]
        name, source = self._sources[number]
        picture, trouble = _try(source)
        if picture is None:
            raise UnusablePicture(f"{name} can no longer be read: {trouble}.")
        if min(picture.shape[:2]) < self._side:
            raise UnusablePicture(f"{name} has become too small: {_size(picture)} pixels.")
        return picture

    def _usable(
        self, sources: list[tuple[str, Source]], cache: bool, workers: int
    ) -> list[tuple[str, Source]]:
        """Decodes every picture once, keeps those that serve and names the others."""
        usable: list[tuple[str, Source]] = []
        corrupt: list[str] = []
        small: list[str] = []
        room = CACHE_BYTES if cache else 0
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(sources), 64):  # so that no more are decoded than used
                some = sources[start : start + 64]
                for (name, source), (picture, trouble) in zip(
                    some, pool.map(_try, [source for _, source in some]), strict=True
                ):
                    if picture is None:
                        corrupt.append(f"{name} ({trouble})")
                    elif min(picture.shape[:2]) < self._side:
                        small.append(f"{name} ({_size(picture)})")
                    else:
                        if isinstance(source, Path) and picture.nbytes <= room:
                            self._cache[len(usable)] = picture
                            room -= picture.nbytes
                        usable.append((name, source))
        _report(usable, corrupt, small, self._side)
        return usable


def image_folder(
    path: Pictures,
    *,
    crop_size: int = 128,
    batch_size: int = 8,
    steps_per_epoch: int | None = None,
    reduction: int = 1,
    augment: bool = True,
    shuffle: bool = True,
    random_crop: bool = True,
    cache: bool = True,
    seed: int = 0,
    initial_epoch: int = 0,
    workers: int = 2,
) -> ImageFolder:
    """Makes a dataset of crops of the pictures in a folder and its subfolders.

    Needs no TensorFlow and feeds `fit` of every backend. Each picture is decoded once at the
    beginning: what is corrupt or smaller than a crop is left out and named in a warning. A file
    that goes bad later is replaced by another picture, with a warning.

    A batch is a function of (seed, epoch, index), whatever the number of workers. A training that
    is resumed tells the dataset its epoch by the callback `SynchronizeEpoch`.

    For validation, `shuffle=False, random_crop=False, augment=False` gives the middle of each
    picture once, the same in every epoch (the last batch may be smaller).

    Example:
    ```python
    import keras_sandwich as ks
    from PIL import Image

    for name, pixels in zip(ks.datasets.sample_names(), ks.datasets.sample_images()):
        Image.fromarray(pixels).save(f"{name}.png")

    dataset = ks.datasets.image_folder(".", crop_size=64, batch_size=4, steps_per_epoch=100)
    assert dataset[0].shape == (4, 64, 64, 3)
    ```

    Args:
        path: A folder; or a list of files or of arrays [height, width] or [height, width, 1, 3 or
            4] with values in [0, 255]. The EXIF orientation of files is applied, gray becomes
            three colours, an alpha channel is dropped.
        crop_size: Height and width of the crops, in pixels. Positive integer.
        batch_size: Crops in a batch. Positive integer.
        steps_per_epoch: Batches in an epoch; pictures are taken again, with other crops, when
            there are fewer. None: so many that every picture is taken once, and the last batch is
            filled up. Give it here and not to `fit`, which would run epochs into each other.
        reduction: Positive integer. Crops of `crop_size * reduction` pixels are cut and reduced to
            `crop_size` by an antialiased Lanczos filter.
        augment: Whether crops are turned by multiples of 90° and flipped, at random.
        shuffle: Whether the pictures come in another order in each turn.
        random_crop: Whether the place of the crop is drawn. Otherwise it is the middle.
        cache: Whether decoded pictures are kept in memory, the first GiB of them.
        seed: Integer in [0, 2³²).
        initial_epoch: Value of `epoch` at the beginning. Integer, not negative.
        workers: Threads that read ahead during `fit`. 0: none.

    Returns:
        An `ImageFolder`: `len(dataset)` batches, float32 [batch, crop_size, crop_size, 3] in
        [0, 255].

    Raises:
        FileNotFoundError: If there is no such folder.
        NotADirectoryError: If `path` is a file.
        PermissionError: If the folder cannot be read.
        ValueError: If there are no pictures, or none that can be used; if an array has another
            shape, or values that are NaN, infinite or out of range; if a number is out of range.
        ImportError: If Pillow is needed and not installed.
    """
    return ImageFolder(
        path,
        crop_size=crop_size,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        reduction=reduction,
        augment=augment,
        shuffle=shuffle,
        random_crop=random_crop,
        cache=cache,
        seed=seed,
        initial_epoch=initial_epoch,
        workers=workers,
    )


def _sources(path: Any) -> list[tuple[str, Source]]:
    if isinstance(path, (str, os.PathLike)):
        import_library("PIL.Image", "`image_folder`", "media")
        return [(str(file), file) for file in find_pictures(path)]
    if not isinstance(path, (Sequence, np.ndarray)):
        raise ValueError(
            "`path` must be a folder or a list of files or arrays. "
            f"Received path={path!r} of type {type(path)}."
        )
    if len(path) == 0:
        raise ValueError("`path` must hold at least one picture. Received an empty list.")
    sources: list[tuple[str, Source]] = []
    for number, item in enumerate(path):
        if isinstance(item, (str, os.PathLike)):
            import_library("PIL.Image", "`image_folder`", "media")
            sources.append((str(item), Path(item)))
        else:
            name = f"pictures[{number}]"
            sources.append((name, as_picture(item, name)))
    return sources


def _try(source: Source) -> tuple[np.ndarray | None, str]:
    """The picture, or None and what is wrong with it."""
    if isinstance(source, np.ndarray):
        return source, ""
    try:
        return read_srgb(source), ""
    except Exception as error:  # decoders raise whatever they stumble over
        return None, f"{type(error).__name__}: {error}"


def _size(picture: np.ndarray) -> str:
    return f"{picture.shape[1]}×{picture.shape[0]}"


def _report(usable: Sequence[Any], corrupt: list[str], small: list[str], side: int) -> None:
    troubles = []
    if corrupt:
        troubles.append(f"Cannot be read ({len(corrupt)}): {', '.join(corrupt)}.")
    if small:
        troubles.append(
            f"Smaller than the crop of crop_size × reduction = {side} pixels ({len(small)}): "
            f"{', '.join(small)}."
        )
    if not usable:
        raise ValueError(
            f"None of the pictures can be used. Expected pictures of at least {side}×{side} "
            f"pixels. {' '.join(troubles)} Repair them, or choose a smaller crop_size or reduction."
        )
    if troubles:
        warnings.warn(f"Some pictures are left out. {' '.join(troubles)}", stacklevel=5)
