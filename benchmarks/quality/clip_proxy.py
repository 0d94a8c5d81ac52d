"""How near the proxy of a video codec is to x264 and x265: bits and errors at the same steps, on luma.

    KERAS_BACKEND=torch python -m benchmarks.quality.clip_proxy CLIP.mp4 … [--frames 5]

For each way of motion (blocks matched, dense inverse search, none) and each codec (I P P P, constant quantizer): the
correlation of the logarithms of bits over all clips and steps, and within each clip over the steps; the ratio of bits,
real to proxy, and how much it varies; the ratio of squared errors.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.quality.clip_baselines import middle

QUANTIZERS = (18, 22, 26, 30, 34, 38, 42)
RED, BLUE = 0.299, 0.114


def luma(clip: np.ndarray) -> np.ndarray:
    return np.rint(clip @ np.array([RED, 1 - RED - BLUE, BLUE])).astype("uint8")[..., None]


def by_proxy(clips: list[np.ndarray], flows: list[np.ndarray] | None) -> np.ndarray:
    """[clips, quantizers, 2]: bits and squared errors."""
    proxy = ks.layers.VideoCodecProxy(train_qstep=False, min_qstep=0.0)
    found = np.zeros((len(clips), len(QUANTIZERS), 2))
    for number, clip in enumerate(clips):
        for place, quantizer in enumerate(QUANTIZERS):
            step = np.float32(2.0 ** ((quantizer - 4) / 6))
            flow = None if flows is None else flows[number][None]
            coded = proxy(clip[None].astype("float32"), flow, qstep=step)
            decoded = keras.ops.convert_to_numpy(coded["recons_bottleneck"])[0]
            bits = float(keras.ops.convert_to_numpy(coded["rate"])[0])
            found[number, place] = bits, np.mean((decoded - clip) ** 2)
    return found


def by_codec(clips: list[np.ndarray], codec: ks.codecs.VideoCodec) -> np.ndarray:
    found = np.zeros((len(clips), len(QUANTIZERS), 2))
    for number, clip in enumerate(clips):
        for place, quantizer in enumerate(QUANTIZERS):
            file = codec.with_strength(quantizer).encode(clip)
            decoded = codec.decode(file)
            error = np.mean((decoded.astype("float64") - clip) ** 2)
            found[number, place] = codec.count_bits(file), error
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(144, 176), help="height, width")
    options = parser.parse_args()
    colour = [
        middle(ks.datasets.load_video(path, frames=options.frames), *options.size)
        for path in options.clips
    ]
    clips = [luma(clip) for clip in colour]
    motion = {
        "blocks": None,
        "dense": [ks.datasets.dense_flow(clip) for clip in colour],
        "none": [np.zeros((len(c) - 1, *c.shape[1:3], 2), "float32") for c in clips],
    }
    real = {
        kind: by_codec(clips, getattr(ks.codecs, kind)(gop="ippp")) for kind in ("X264", "X265")
    }
    print("motion  codec  r all  r within  bits: real/proxy  from   to     errors: real/proxy")
    for way, flows in motion.items():
        proxy = by_proxy(clips, flows)
        for kind, found in real.items():
            ours, theirs = np.log(proxy[..., 0]), np.log(found[..., 0])
            of_all = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
            within = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(ours, theirs, strict=True)])
            ratio = np.exp(theirs - ours)
            errors = np.exp(np.mean(np.log(found[..., 1] / proxy[..., 1])))
            print(
                f"{way:7} {kind}   {of_all:.3f}  {within:.3f}     {np.exp(np.mean(np.log(ratio))):.3f}"
                f"             {ratio.min():.3f}  {ratio.max():.3f}  {errors:.2f}",
                flush=True,
            )
        print("  means over clips of bits per pixel at each quantizer:", flush=True)
        pixels = clips[0].size
        for name, values in (("proxy", proxy), *real.items()):
            print("  ", name, np.round(values[..., 0].mean(axis=0) / pixels, 3).tolist())


if __name__ == "__main__":
    main()
