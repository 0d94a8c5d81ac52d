"""Frames of video files as R, G and B, by the range and the matrix that a file states, or what is usual."""

import os
import re
from collections.abc import Generator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich.codecs.clip_planes import MATRICES, from_planes
from keras_sandwich.codecs.video_reader import HIGH_DEFINITION, Sound, VideoReader

_SIZE_IN_NAME = re.compile(r"(\d{2,5})x(\d{2,5})")


def load_video(
    path: str | os.PathLike[str], start: int = 0, frames: int | None = None, stride: int = 1
) -> np.ndarray:
    """Frames of a video file, as R, G and B of 8 bits: any file that PyAV reads, `.y4m` too.

    A file's range and matrix are honoured. Where it states none, the range is limited, and the matrix BT.709 from 720
    lines on and BT.601 below, as players take them. Frames are turned as viewers turn them.

    Example:

    ```python
    import pathlib
    import numpy as np
    import keras_sandwich as ks

    clip = np.full((4, 48, 64, 3), (200, 120, 60), "uint8")
    pathlib.Path("clip.mp4").write_bytes(
        ks.codecs.X264(qp=10, chroma_subsampling="4:4:4").encode(clip)
    )
    read = ks.datasets.load_video("clip.mp4", start=1, frames=2)
    assert read.shape == (2, 48, 64, 3) and np.abs(read.astype(int) - clip[1:3]).max() < 4
    ```

    Args:
        path: of the file.
        start: the first frame, from 0.
        frames: how many; None: all. A file that ends before gives fewer.
        stride: every so manieth frame.

    Returns:
        uint8 [frames, height, width, 3].

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file without video, a damaged one, one of fewer frames than `start`, interlaced frames, or frames
            of several sizes.
        ImportError: PyAV is not installed.
    """
    require_integers(0, start=start)
    require_integers(1, stride=stride, **({} if frames is None else {"frames": frames}))
    stop = None if frames is None else start + frames * stride
    with closing(video_frames(Path(path))) as pictures:
        read = list(islice(pictures, start, stop, stride))
    if not read:
        raise ValueError(f"Expected more than {start} frames in {str(path)!r}. Received fewer.")
    if len({picture.shape for picture in read}) > 1:
        raise ValueError(
            f"The frames of {str(path)!r} have several sizes; cut the file into parts."
        )
    return np.stack(read)


def load_yuv(
    path: str | os.PathLike[str],
    size: tuple[int, int] | None = None,
    chroma_subsampling: str = "4:2:0",
    bits: int = 8,
    matrix: str | None = None,
    full_range: bool = False,
    start: int = 0,
    frames: int | None = None,
    stride: int = 1,
) -> np.ndarray:
    """Frames of a raw `.yuv` file, planes one after the other, as R, G and B of 8 bits.

    Example:

    ```python
    import pathlib
    import numpy as np
    import keras_sandwich as ks

    frame = np.concatenate([np.full(64 * 48, 235), np.full(2 * 32 * 24, 128)]).astype("uint8")
    pathlib.Path("white_64x48.yuv").write_bytes(frame.tobytes() * 3)
    assert np.array_equal(ks.datasets.load_yuv("white_64x48.yuv"), np.full((3, 48, 64, 3), 255))
    ```

    Args:
        path: of the file.
        size: (height, width); None: from a name such as "foreman_352x288.yuv", width first.
        chroma_subsampling: "4:0:0", "4:2:0" or "4:4:4".
        bits: 8 to 16, above 8 two bytes a sample, the lower one first.
        matrix: "bt709", "bt601" or "bt2020"; None: BT.709 from 720 lines on, else BT.601.
        full_range: whether black is 0 and white 2^bits − 1; otherwise 16 and 235, times 2^(bits − 8).
        start: as in `load_video`, as the arguments that follow.
        frames: how many.
        stride: every so manieth frame.

    Returns:
        uint8 [frames, height, width, 3].

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an unknown size, a file that is not of whole frames, or of fewer than `start`.
    """
    require_integers(0, start=start)
    require_integers(1, stride=stride, **({} if frames is None else {"frames": frames}))
    require_option(chroma_subsampling, ("4:0:0", "4:2:0", "4:4:4"), "chroma_subsampling")
    require_option(bits, tuple(range(8, 17)), "bits")
    require_option(matrix, (None, *MATRICES), "matrix")
    height, width = _raw_size(Path(path), size)
    chroma = {
        "4:0:0": (0, 0),
        "4:2:0": (-(-height // 2), -(-width // 2)),
        "4:4:4": (height, width),
    }[chroma_subsampling]
    shapes = [(height, width), chroma, chroma]
    lengths = [rows * columns for rows, columns in shapes]
    samples = np.memmap(path, "uint8" if bits == 8 else "<u2", mode="r")
    count, rest = divmod(len(samples), sum(lengths))
    if rest or count <= start:
        raise ValueError(
            f"Expected more than {start} whole frames of {height}×{width}, {chroma_subsampling}, {bits} bits, in "
            f"{str(path)!r}. Received {len(samples)} samples, {count} frames and {rest} samples more."
        )
    usual = "bt709" if height >= HIGH_DEFINITION else "bt601"
    stop = count if frames is None else min(start + frames * stride, count)
    pictures = []
    for number in range(start, stop, stride):
        frame = np.array(samples[number * sum(lengths) : (number + 1) * sum(lengths)])
        parts = np.split(frame, np.cumsum(lengths)[:-1])
        planes = [p.reshape(shape) for p, shape in zip(parts, shapes, strict=True) if p.size]
        pictures.append(_as_rgb(planes, bits, matrix or usual, full_range))
    return np.stack(pictures)


def _raw_size(path: Path, size: tuple[int, int] | None) -> tuple[int, int]:
    if size is not None:
        height, width = size
        require_integers(1, height=height, width=width)
        return height, width
    found = _SIZE_IN_NAME.search(path.name)
    if found is None:
        raise ValueError(
            f"A raw file does not say its size. Received {path.name!r}, whose name says none either; give "
            "size=(height, width)."
        )
    return int(found[2]), int(found[1])


def video_frames(path: Path) -> Generator[np.ndarray, None, None]:
    """The frames of a file one after the other, uint8 [height, width, 3]; the errors of `load_video`."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no such file: {str(path)!r}.")
    try:
        with path.open("rb") as file, VideoReader(file, "Reading video") as reader:
            for frame in reader:
                if isinstance(frame, Sound):
                    continue
                picture = _as_rgb(frame.planes, reader.bits, reader.matrix, reader.full_range)
                yield np.rot90(picture, frame.rotation // 90)
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(path)!r} cannot be read as video: {error}") from error


def _as_rgb(
    planes: list[np.ndarray], bits: int, matrix: str | None, full_range: bool
) -> np.ndarray:
    picture = from_planes(planes, bits, matrix, full_range)
    if bits > 8:
        picture = np.rint(picture * (255.0 / (2**bits - 1))).astype("uint8")
    return picture if picture.shape[-1] == 3 else np.repeat(picture, 3, axis=-1)
