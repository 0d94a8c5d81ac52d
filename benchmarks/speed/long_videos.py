"""Peak memory and time of videos of several lengths through `encode_file` and `decode_file`.

KERAS_BACKEND=torch python -m benchmarks.speed.long_videos --frames 125 500 2000

Memory is what the process holds at its highest. It must not grow with the length. Linux alone tells. Each length runs
in a process of its own, and is a pan over a bundled photograph.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.speed.large_pictures import status

SIDE = 128


def pan(picture: np.ndarray, frames: int) -> Iterator[np.ndarray]:
    """Windows of a picture, to and fro."""
    room = picture.shape[1] - SIDE
    for number in range(frames):
        left = room - abs(number % (2 * room) - room)
        yield picture[:SIDE, left : left + SIDE]


def one(frames: int) -> None:
    import keras_sandwich as ks

    model = ks.models.create_linear_baseline(bottleneck_channels=1, patch_size=16)
    picture = ks.datasets.sample_images("test")[0]
    codec = ks.codecs.X264(qp=10, preset="ultrafast")
    with tempfile.TemporaryDirectory() as folder:
        source, coded, restored = (Path(folder, name) for name in ("a.mp4", "b.mp4", "c.mkv"))
        with open(source, "wb") as file, codec.writer(file, (SIDE, SIDE), 3) as writer:
            for frame in pan(picture, frames):
                writer.add(codec.planes(frame))
        start = time.perf_counter()
        info = ks.encode_file(source, coded, model, strength=24)
        middle = time.perf_counter()
        ks.decode_file(coded, restored, model)
        end = time.perf_counter()
        assert info.frames == frames
    encode, decode = ((b - a) / frames * 1e3 for a, b in ((start, middle), (middle, end)))
    print(
        f"{frames:6} frames: encode {encode:.1f} ms, decode {decode:.1f} ms a frame; "
        f"peak {status('VmHWM'):.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[125, 500, 2000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one)
        return
    for frames in options.frames:
        command = [sys.executable, "-m", "benchmarks.speed.long_videos", "--one", str(frames)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
