"""Crops of clips, with their motion, for any backend."""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich._optional import import_library
from keras_sandwich.datasets.crop_dataset import (
    CropDataset,
    UnusablePicture,
    check_crop_arguments,
)
from keras_sandwich.datasets.crops import reduce_lanczos
from keras_sandwich.datasets.optical_flow import dense_flow
from keras_sandwich.datasets.video_frames import load_video, video_frames
from keras_sandwich.pictures import find_pictures

CACHE_BYTES = 2**30  # clips and their motion; those beyond are decoded anew each time
SUFFIXES = (
    ".mp4",
    ".mkv",
    ".webm",
    ".mov",
    ".avi",
    ".m4v",
    ".y4m",
    ".264",
    ".265",
    ".hevc",
    ".ivf",
)
FLOWS = (None, "dis")

Source = Path | np.ndarray
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str] | np.ndarray]


class Clip(NamedTuple):
    """Frames, uint8 [frames, height, width, 3], and their motion, [frames − 1, height, width, 2], where asked for."""

    frames: np.ndarray
    flow: np.ndarray | None


class VideoClips(CropDataset):
    """A `keras.utils.PyDataset` of crops of clips. Made by `video_clips`.

    As `ImageFolder`: `dataset[index]` is a batch, a function of `(seed, dataset.epoch, index)` alone, and
    `dataset.batch(index, epoch)` that of any epoch.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    video = np.random.default_rng(0).integers(0, 256, (9, 48, 64, 3), "uint8")
    dataset = ks.datasets.VideoClips([video], frames=4, crop_size=32, batch_size=2)
    assert dataset[0].shape == (2, 4, 32, 32, 3)
    ```

    Args:
        paths: As for `video_clips`, and so are the others.
        frames: Of a clip.
        crop_size: Height and width of the crops, in pixels.
        stride: Every so manieth frame of the video.
        flow: "dis" or None.
        batch_size: Clips in a batch.
        steps_per_epoch: Batches in an epoch, or None.
        reduction: Factor by which a larger crop is reduced.
        augment: Whether crops are turned and flipped.
        shuffle: Whether the clips come in another order in each turn.
        random_crop: Whether the place of the crop is drawn, or the middle.
        cache: Whether decoded clips and their motion are kept in memory.
        seed: Integer in [0, 2³²).
        initial_epoch: Value of `epoch` at the beginning.
        workers: Threads that read ahead during `fit`.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        frames: int = 10,
        crop_size: int = 128,
        stride: int = 1,
        flow: str | None = None,
        batch_size: int = 4,
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
        require_integers(1, frames=frames, stride=stride)
        require_option(flow, FLOWS, "flow")
        if reduction > 1:
            import_library("PIL.Image", "`reduction` above 1", "media")
        if flow:
            import_library("cv2", '`flow="dis"`', "video")
        self.frames = frames
        self.stride = stride
        self.flow = flow
        self._room = CACHE_BYTES if cache else 0
        self._cache: dict[int, Clip] = {}
        self._clips = self._usable(_sources(paths), crop_size * reduction)
        super().__init__(
            len(self._clips),
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
        """The clips in use: the paths of files, `videos[i]` for arrays, and the first frame of each."""
        return [f"{name}, frame {start}" for name, _, start in self._clips]

    def read(self, number: int) -> Clip:
        if number in self._cache and (self._cache[number].flow is not None or not self.flow):
            return self._cache[number]
        kept = self._cache.get(number)
        frames = self._read(number) if kept is None else kept.frames
        flow = dense_flow(frames).astype("float16") if self.flow else None
        clip = Clip(frames, flow)
        if kept is not None:  # its motion's room was counted with it
            self._cache[number] = clip
        return clip

    def _read(self, number: int) -> np.ndarray:
        name, source, start = self._clips[number]
        try:
            frames = _cut(source, start, self.frames, self.stride)
        except (OSError, ValueError) as error:
            raise UnusablePicture(f"{name} can no longer be read: {error}") from error
        if len(frames) < self.frames or min(frames.shape[1:3]) < self.crop_size * self.reduction:
            raise UnusablePicture(f"{name} has become too short or too small: {frames.shape}.")
        return frames

    def crop(self, clip: Clip, randomness: np.random.Generator) -> Any:
        side = self.crop_size * self.reduction
        spare = [size - side for size in clip.frames.shape[1:3]]
        top, left = (size // 2 for size in spare)
        if self.random_crop:
            top, left = (int(randomness.integers(size + 1)) for size in spare)
        symmetry = int(randomness.integers(8)) if self.augment else 0
        window = (slice(None), slice(top, top + side), slice(left, left + side))
        frames = clip.frames[window].astype("float32")
        if self.reduction > 1:
            frames = np.stack([reduce_lanczos(frame, self.reduction) for frame in frames])
        frames = np.ascontiguousarray(turned(frames, symmetry))
        if clip.flow is None:
            return frames
        flow = clip.flow[window].astype("float32")
        if self.reduction > 1:
            size, factor = self.crop_size, self.reduction
            parts = flow.reshape(-1, size, factor, size, factor, 2)
            flow = parts.mean(axis=(2, 4)) / factor
        return {"image": frames, "flow": np.ascontiguousarray(turned_flow(flow, symmetry))}

    def _usable(
        self, sources: list[tuple[str, Source]], side: int
    ) -> list[tuple[str, Source, int]]:
        """Decodes every video once, keeps its clips and names those of which there are none."""
        usable: list[tuple[str, Source, int]] = []
        troubles = []
        for name, source in sources:
            before = len(usable)
            try:
                for start, frames in _clips_of(source, self.frames, self.stride):
                    if min(frames.shape[1:3]) < side:
                        raise ValueError(f"{frames.shape[2]}×{frames.shape[1]} pixels")
                    self._keep(len(usable), frames)
                    usable.append((name, source, start))
            except (OSError, ValueError) as error:
                troubles.append(f"{name} ({error})")
            else:
                if len(usable) == before:
                    troubles.append(f"{name} (fewer than {self.frames * self.stride} frames)")
        expected = f"videos of at least {(self.frames - 1) * self.stride + 1} frames of {side}×{side} pixels"
        if not usable:
            raise ValueError(
                f"None of the videos can be used. Expected {expected}. Received {', '.join(troubles)}. Choose fewer "
                "`frames`, a smaller `stride`, `crop_size` or `reduction`."
            )
        if troubles:
            warnings.warn(
                f"Some videos are left out. Expected {expected}: {', '.join(troubles)}.",
                stacklevel=4,
            )
        return usable

    def _keep(self, number: int, frames: np.ndarray) -> None:
        motion = (len(frames) - 1) * frames[0, ..., 0].size * 4 if self.flow else 0
        if frames.nbytes + motion <= self._room:
            self._room -= frames.nbytes + motion
            self._cache[number] = Clip(frames, None)


def video_clips(
    paths: Paths,
    *,
    frames: int = 10,
    crop_size: int = 128,
    stride: int = 1,
    flow: str | None = None,
    batch_size: int = 4,
    steps_per_epoch: int | None = None,
    reduction: int = 1,
    augment: bool = True,
    shuffle: bool = True,
    random_crop: bool = True,
    cache: bool = True,
    seed: int = 0,
    initial_epoch: int = 0,
    workers: int = 2,
) -> VideoClips:
    """Makes a dataset of crops of clips, which follow one another in videos, for `CompressVideoModel.fit`.

    Needs no TensorFlow and feeds `fit` of every backend. Each video is decoded once at the beginning; what is damaged,
    too short or smaller than a crop is left out and named in a warning. A batch is a function of (seed, epoch, index),
    whatever the number of workers, as with `image_folder`.

    Example:

    ```python
    import keras_sandwich as ks

    photographs = ks.datasets.sample_images("test")
    clips, _ = ks.datasets.moving_photographs(photographs, number=2, frames=4, size=64)
    dataset = ks.datasets.video_clips(list(clips), frames=4, crop_size=48, batch_size=2)
    assert dataset[0].shape == (2, 4, 48, 48, 3)
    ```

    Args:
        paths: A folder, a file, or a list of files or of arrays uint8 [frames, height, width, 3]. Files are read as
            `load_video` reads them.
        frames: Of a clip. Positive integer.
        crop_size: Height and width of the crops, in pixels. Positive integer.
        stride: Every so manieth frame of a video: 2 makes motion twice as fast. A clip begins where the one before
            has ended.
        flow: "dis": where each pixel comes from, by `dense_flow`, of whole frames, once for each clip, kept in half
            precision; batches are then dicts of "image" and "flow". None: no motion; the model then matches blocks.
        batch_size: Clips in a batch. Positive integer.
        steps_per_epoch: Batches in an epoch; None: so many that every clip is taken once.
        reduction: Positive integer. Crops of `crop_size * reduction` pixels are cut and reduced to `crop_size` by an
            antialiased Lanczos filter, which hides what the video's own codec did.
        augment: Whether clips are turned by multiples of 90° and flipped, at random, motion and all.
        shuffle: Whether the clips come in another order in each turn.
        random_crop: Whether the place of the crop is drawn. Otherwise it is the middle.
        cache: Whether decoded clips and their motion are kept in memory, the first GiB of them. A clip beyond is
            decoded each time it is taken, and so is its file as far as that.
        seed: Integer in [0, 2³²).
        initial_epoch: Value of `epoch` at the beginning. Integer, not negative.
        workers: Threads that read ahead during `fit`. 0: none.

    Returns:
        A `VideoClips`: `len(dataset)` batches, float32 [batch, frames, crop_size, crop_size, 3] in [0, 255], or dicts
        of such an "image" and a "flow" [batch, frames − 1, crop_size, crop_size, 2].

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ValueError: If there are no videos, or none that can be used; if an array has another shape or dtype; if a
            number is out of range.
        ImportError: If PyAV is needed and not installed, or OpenCV for `flow="dis"`.
    """
    return VideoClips(
        paths,
        frames=frames,
        crop_size=crop_size,
        stride=stride,
        flow=flow,
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


def turned(clip: np.ndarray, symmetry: int) -> np.ndarray:
    """One of the eight symmetries of a square, of every frame: quarter turns, and from 4 on a flip too."""
    clip = np.rot90(clip, symmetry % 4, axes=(1, 2))
    return clip[:, :, ::-1] if symmetry >= 4 else clip


def turned_flow(flow: np.ndarray, symmetry: int) -> np.ndarray:
    """The motion of a clip that was `turned`."""
    flow = turned(flow, symmetry)
    rows, columns = flow[..., 0], flow[..., 1]
    for _ in range(symmetry % 4):  # a quarter turn to the left: what pointed right points up
        rows, columns = -columns, rows
    if symmetry >= 4:
        columns = -columns
    return np.stack([rows, columns], axis=-1)


def _sources(paths: Any) -> list[tuple[str, Source]]:
    if isinstance(paths, (str, os.PathLike)):
        path = Path(paths)
        paths = [path] if path.is_file() else find_pictures(path, SUFFIXES)
    if not isinstance(paths, (list, tuple)) or not paths:
        raise ValueError(
            "`paths` must be a folder, a file, or a list of at least one file or array. "
            f"Received a {type(paths).__name__}."
        )
    sources: list[tuple[str, Source]] = []
    for number, item in enumerate(paths):
        if isinstance(item, (str, os.PathLike)):
            sources.append((str(item), Path(item)))
            continue
        array = np.asarray(item)
        if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8:
            raise ValueError(
                "Videos in memory must be uint8 [frames, height, width, 3]. "
                f"Received {array.dtype} {array.shape} as videos[{number}]."
            )
        sources.append((f"videos[{number}]", array))
    return sources


def _clips_of(source: Source, frames: int, stride: int) -> Iterator[tuple[int, np.ndarray]]:
    """(First frame, clip) one after the other, all that are whole."""
    read: list[np.ndarray] = []
    place = 0
    for place, frame in enumerate(
        source if isinstance(source, np.ndarray) else video_frames(source)
    ):
        if place % stride == 0:
            read.append(frame)
        if len(read) == frames:
            yield place - (frames - 1) * stride, np.stack(read)
            read = []


def _cut(source: Source, start: int, frames: int, stride: int) -> np.ndarray:
    if isinstance(source, np.ndarray):
        return source[start : start + frames * stride : stride]
    return load_video(source, start, frames, stride)
