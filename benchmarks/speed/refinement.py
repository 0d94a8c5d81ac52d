"""What `effort` costs: processor seconds per megapixel of `encode_file`, one thread.

KERAS_BACKEND=torch OMP_NUM_THREADS=1 python -m benchmarks.speed.refinement --preset grayscale
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import keras_sandwich as ks

EFFORTS = (0, 4, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="grayscale")
    parser.add_argument("--strength", type=float, default=40)
    options = parser.parse_args()
    tiles = ks.datasets.sample_images("test")[:4]
    picture = np.concatenate([np.concatenate(tiles[:2], axis=1), np.concatenate(tiles[2:], axis=1)])
    megapixels = picture.shape[0] * picture.shape[1] / 1e6
    model = ks.models.CompressIntraModel.from_preset(options.preset)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.png"), Path(folder, "coded.jpg")
        Image.fromarray(picture.astype("uint8")).save(source)
        ks.encode_file(source, target, model, strength=options.strength, effort=1)  # compiled
        for effort in EFFORTS:
            before = time.process_time()
            ks.encode_file(source, target, model, strength=options.strength, effort=effort)
            seconds = time.process_time() - before
            print(f"effort={effort}: {seconds / megapixels:.1f} seconds per megapixel")


if __name__ == "__main__":
    main()
