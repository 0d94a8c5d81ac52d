"""The flat JPEG step that loses as much as each codec's strengths: the numbers of `inference.equivalent_qstep`.

KERAS_BACKEND=tensorflow python -m benchmarks.quality.equivalent_steps

Grayscale bottlenecks of the bundled photographs through real files; the step at which the JPEG proxy has the same
squared error. Codecs for videos are given each picture as a clip that moves by a pixel and a half a frame. Prints, for
each codec, pairs of a strength and a step.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import keras_sandwich as ks

STRENGTHS = {
    "JPEG": (ks.codecs.JPEG(quality=50), (2, 11, 26, 51, 71, 86, 94)),
    "WebP": (ks.codecs.WebP(), (2, 11, 26, 51, 71, 91, 101)),
    "AVIF": (ks.codecs.AVIF(), (2, 11, 26, 41, 56, 71, 86, 101)),
    "HEIC": (ks.codecs.HEIC(), (3, 11, 25, 41, 55, 71, 85, 97)),
    "JPEG2000": (ks.codecs.JPEG2000(), (4, 8, 16, 32, 64, 100)),
    "JPEGXL": (ks.codecs.JPEGXL(), (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)),
}
VIDEO_STRENGTHS = {
    "X264": (ks.codecs.X264(gop="ippp"), (4, 12, 20, 26, 32, 38, 44, 50)),
    "X265": (ks.codecs.X265(gop="ippp"), (4, 12, 20, 26, 32, 38, 44, 50)),
    "SVTAV1": (ks.codecs.SVTAV1(gop="low_delay", preset=8), (4, 12, 20, 28, 36, 44, 52, 60)),
    "VP9": (ks.codecs.VP9(gop="low_delay", preset=6), (4, 12, 20, 28, 36, 44, 52, 60)),
}
FRAMES = 4


@dataclass(frozen=True)
class Panned:
    """A codec for videos as one for pictures: a still picture is the last frame of a pan."""

    codec: Any
    bits = 8

    def for_channels(self, channels: int) -> "Panned":
        return self

    def encode(self, picture: np.ndarray) -> bytes:
        moved = [shifted(picture, 1.5 * (FRAMES - 1 - place)) for place in range(FRAMES)]
        return self.codec.encode(np.stack(moved))

    def decode(self, data: bytes) -> np.ndarray:
        return self.codec.decode(data)[-1]


def shifted(picture: np.ndarray, by: float) -> np.ndarray:
    """Moved to the right by so many pixels, halves between two."""
    whole = int(by)
    columns = np.arange(picture.shape[1])
    parts = [
        np.take(picture, np.maximum(columns - whole - more, 0), axis=1).astype("float32")
        for more in ((0, 1) if by % 1 else (0,))
    ]
    return np.rint(np.mean(parts, axis=0)).astype("uint8")


def main() -> None:
    chain = ks.models.create_linear_baseline(bottleneck_channels=1, patch_size=16)
    pictures = ks.datasets.sample_images("train")[::4].astype("float32")
    bottlenecks = np.clip(chain.predict(pictures, verbose=0)["bottleneck"], 0, 255)
    proxy = ks.layers.EncodeDecodeIntra(train_qstep=False, min_qstep=0.0)
    proxy.build((None, None, None, 1))
    for name, (codec, strengths) in {**STRENGTHS, **VIDEO_STRENGTHS}.items():
        steps = []
        for strength in strengths:
            setting = codec.with_strength(strength)
            given = Panned(setting) if name in VIDEO_STRENGTHS else setting
            step = ks.training.calibrate_qstep(proxy, bottlenecks, given)
            steps.append((strength, round(step, 2)))
        print(f"{name}: {steps}", flush=True)


if __name__ == "__main__":
    main()
