"""What reaches how much over a video codec without any training: the codec alone and the linear baselines, on clips.

    python -m benchmarks.quality.clip_baselines CLIP.mp4 … [--codec X265] [--gop ippp] [--frames 10]

Prints, at some rates, the mean over the clips of the mean of each clip's frames' decibels.
"""

import argparse
from pathlib import Path

import numpy as np

import keras_sandwich as ks

QUANTIZERS = tuple(range(18, 47, 4))
RATES = (0.05, 0.1, 0.2, 0.4)


def systems() -> dict[str, object]:
    linear = ks.models.create_linear_baseline
    return {
        "grayscale, modulated chroma": linear(),
        "grayscale, multiplexed chroma": linear(patch_size=16),
        "luma only": ks.evaluation.CodecAlone(luma_only=True),
        "half size, filters": linear(3, downsample_factor=2),
        "half size, DCT": linear(3, downsample_factor=2, resampling="dct"),
        "codec alone": ks.evaluation.CodecAlone(),
    }


def middle(clip: np.ndarray, height: int, width: int) -> np.ndarray:
    top, left = (clip.shape[1] - height) // 2, (clip.shape[2] - width) // 2
    return clip[:, top : top + height, left : left + width]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--codec", default="X265", choices=("X264", "X265"))
    parser.add_argument("--gop", default="ippp")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--size", type=int, nargs=2, default=(144, 176), help="height, width")
    options = parser.parse_args()
    clips = {
        path.stem: middle(ks.datasets.load_video(path, frames=options.frames), *options.size)
        for path in options.clips
    }
    codec = getattr(ks.codecs, options.codec)(gop=options.gop)
    curves = [
        ks.evaluation.rd_curve(system, clips, codec, QUANTIZERS, name=name, verbose=0)
        for name, system in systems().items()
    ]
    print(
        f"{codec.name}, {codec.version}; {', '.join(clips)}; {options.frames} frames of {options.size}"
    )
    print(ks.evaluation.rd_table(curves, RATES))


if __name__ == "__main__":
    main()
