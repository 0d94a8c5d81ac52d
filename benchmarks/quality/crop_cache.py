"""Training pictures in few bytes, for a machine to which little can be brought.

python -m benchmarks.quality.crop_cache train/free train/cid22 --output runs/crops --megabytes 40

Every picture halved, and as many as they are as there is room for, all lossless; which ones the seed decides. Their
names stay, so that `photographs.split` holds out the same photographs. A cache that is there is kept.
"""

import argparse
import random
from pathlib import Path

import numpy as np
from PIL import Image

import keras_sandwich as ks


def written(picture: np.ndarray, path: Path) -> int:
    """The bytes of a lossless file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, lossless=True, quality=100, method=6)
    return path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--megabytes", type=float, default=40.0, help="at most")
    options = parser.parse_args()
    done = options.output / "complete"
    if done.exists():
        print(f"{options.output} is there.")
        return
    room = options.megabytes * 1e6
    pictures = {
        f"{folder.name}/{Path(path).stem}": np.asarray(picture)
        for folder in options.folders
        for path, picture in ks.datasets.load_images(folder).items()
    }
    for name, picture in pictures.items():
        half = ks.datasets.crops.reduce_lanczos(picture.astype("float32"), 2)
        half = np.clip(np.round(half), 0, 255).astype("uint8")
        room -= written(half, options.output / "half" / f"{name}.webp")
    if room < 0:
        raise SystemExit(
            f"The {len(pictures)} pictures, halved, take {-room / 1e6:.1f} MB more than {options.megabytes:g} MB. "
            "Give fewer folders, or more megabytes."
        )
    for name in random.Random(0).sample(sorted(pictures), len(pictures)):
        path = options.output / "whole" / f"{name}.webp"
        size = written(pictures[name], path)
        if size > room:
            path.unlink()
            break
        room -= size
    done.touch()
    print(f"{options.output}: {options.megabytes - room / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
