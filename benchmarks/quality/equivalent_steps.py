"""The flat JPEG step that loses as much as each codec's strengths: the numbers of `inference.equivalent_qstep`.

KERAS_BACKEND=tensorflow python -m benchmarks.quality.equivalent_steps

Grayscale bottlenecks of the bundled photographs through real files; the step at which the JPEG proxy has the same
squared error. Prints, for each codec, pairs of a strength and a step.
"""

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


def main() -> None:
    chain = ks.models.create_linear_baseline(bottleneck_channels=1, patch_size=16)
    pictures = ks.datasets.sample_images("train")[::4].astype("float32")
    bottlenecks = np.clip(chain.predict(pictures, verbose=0)["bottleneck"], 0, 255)
    proxy = ks.layers.EncodeDecodeIntra(train_qstep=False, min_qstep=0.0)
    proxy.build((None, None, None, 1))
    for name, (codec, strengths) in STRENGTHS.items():
        steps = []
        for strength in strengths:
            step = ks.training.calibrate_qstep(proxy, bottlenecks, codec.with_strength(strength))
            steps.append((strength, round(step, 2)))
        print(f"{name}: {steps}", flush=True)


if __name__ == "__main__":
    main()
