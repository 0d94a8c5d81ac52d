"""What training with a real codec gains over as much more training through the proxy, measured with real files.

KERAS_BACKEND=torch python -m benchmarks.through_the_codec --model model.keras --minutes 10 --codecs jpeg webp avif \
    --data train --test test

From one trained model, for each codec and with as many minutes of processor time each, coding files included: more
training through the proxy, the postprocessor alone on what the codec decodes, and the codec in the loop. Without
`--model` a grayscale sandwich is trained first, for `--start-minutes`.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import keras

import keras_sandwich as ks

CODECS = {
    "jpeg": lambda: ks.codecs.JPEG(qstep=16),
    "webp": lambda: ks.codecs.WebP(),
    "avif": lambda: ks.codecs.AVIF(),
    "heic": lambda: ks.codecs.HEIC(),
}
AROUND = (
    1.6,
    1.25,
    1.0,
    0.8,
    0.62,
)  # bits of the strengths that are measured, as shares of the working point's
TRAINED = slice(1, 4)  # of these, those that are trained for
STEPS_PER_EPOCH = 10


class ProcessorBudget(keras.callbacks.Callback):
    """Minutes of processor time, from its making: other programs on the machine take nothing from it."""

    def __init__(self, learning_rate: float, minutes: float) -> None:
        super().__init__()
        self.schedule = ks.callbacks.TrainingBudget(learning_rate)
        self.seconds = 60.0 * minutes
        self.began = time.process_time()
        self.steps = 0

    @property
    def progress(self) -> float:
        return (time.process_time() - self.began) / self.seconds

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.schedule.learning_rate_at(self.progress)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = self.progress >= 1.0


def crops_of(data: Path) -> Any:
    return ks.datasets.image_folder(
        data, crop_size=128, reduction=2, batch_size=8, steps_per_epoch=STEPS_PER_EPOCH
    )


def train_start(data: Path, minutes: float, dtype: str, file: Path) -> None:
    model = ks.models.create_basic_model(
        bottleneck_channels=1,
        gamma=700.0,
        encoder_filters=(32, 64),
        decoder_filters=(128, 64, 32),
        unet_patch_size=2,
        rounding="uniform_noise",
        seed=0,
        dtype=dtype,
    )
    model.build((None, None, None, 3))
    through_proxy(model, data, minutes, 1.5e-3)
    model.save(file)


def through_proxy(model: Any, data: Path, minutes: float, learning_rate: float) -> int:
    budget = ProcessorBudget(learning_rate, minutes)
    crops = crops_of(data)
    model.compile(keras.optimizers.Adam(), loss="mse")
    model.fit(crops, epochs=100_000, callbacks=[budget], verbose=0)
    return budget.steps


def postprocessor_alone(
    model: Any, data: Path, minutes: float, learning_rate: float, codec: Any, strengths: Any
) -> int:
    budget = ProcessorBudget(learning_rate, minutes)
    whole = ks.datasets.load_images(data).values()
    ks.training.finetune_postprocessor(
        model,
        [ks.datasets.crops.reduce_lanczos(picture.astype("float32"), 2) for picture in whole],
        codec,
        strengths,
        epochs=100_000,
        steps_per_epoch=STEPS_PER_EPOCH,
        callbacks=[budget],
        verbose=0,
    )
    return budget.steps


def in_the_loop(
    model: Any, data: Path, minutes: float, learning_rate: float, codec: Any, strengths: Any
) -> int:
    budget = ProcessorBudget(learning_rate, minutes)
    model.compile(keras.optimizers.Adam(), loss="mse")
    ks.training.train_through_codec(
        model, crops_of(data), codec, strengths, epochs=100_000, callbacks=[budget], verbose=0
    )
    return budget.steps


def strengths_at(model: Any, pictures: Any, codec: Any, bits_per_pixel: float) -> list[float]:
    """Strengths whose files have about these bits, the whole of them, and some fewer and more."""
    bottlenecks = [
        ks.models.to_samples(ks.models.preprocess_picture(model, picture), codec.bits)
        for picture in pictures
    ]
    pixels = sum(picture.shape[0] * picture.shape[1] for picture in pictures)

    def rate(strength: float) -> float:
        files = ks.codecs.encode_many(codec.with_strength(strength), bottlenecks, verbose=0)
        return 8 * sum(map(len, files)) / pixels

    chosen = []
    for share in AROUND:
        low, high = 0, len(codec.strengths) - 1
        while low < high:
            middle = (low + high) // 2
            if rate(codec.strengths[middle]) > share * bits_per_pixel:
                low = middle + 1
            else:
                high = middle
        chosen.append(codec.strengths[low])
    return sorted(set(chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a trained CompressIntraModel, .keras")
    parser.add_argument("--start-minutes", type=float, default=3.0)
    parser.add_argument("--minutes", type=float, default=3.0, help="of processor time, each")
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=["jpeg", "webp", "avif"])
    parser.add_argument("--bits-per-pixel", type=float, default=0.5)
    parser.add_argument("--data", type=Path, required=True, help="folder to train on")
    parser.add_argument("--test", type=Path, required=True, help="folder to measure with")
    parser.add_argument("--learning-rate", type=float, default=3e-4, help="of the whole sandwich")
    parser.add_argument("--post-learning-rate", type=float, default=5e-4, help="of one network")
    parser.add_argument("--dtype", default="mixed_bfloat16", help="of a model trained here")
    parser.add_argument("--output", type=Path, default=Path("runs/through_the_codec"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    start = options.model
    if start is None:
        start = options.output / "start.keras"
        if not start.exists():
            train_start(options.data, options.start_minutes, options.dtype, start)
    pictures = list(ks.datasets.load_images(options.test).values())
    rate, minutes = options.bits_per_pixel, options.minutes
    rates = (options.learning_rate, options.post_learning_rate)
    print(f"PSNR in dB at {rate:g} bpp, {len(pictures)} pictures, {minutes:g} minutes each")
    print(f"{'':12}{'start':>8}{'proxy':>18}{'postprocessor':>18}{'codec in the loop':>22}")
    proxied = keras.saving.load_model(start)
    proxy_steps = through_proxy(proxied, options.data, minutes, rates[0])
    for name in options.codecs:
        codec = CODECS[name]()
        model = keras.saving.load_model(start)
        strengths = strengths_at(model, pictures, codec, rate)
        trained_for = strengths[TRAINED]

        def measure(
            system: Any, codec: Any = codec, strengths: Any = strengths, name: str = name
        ) -> float:
            curve = ks.evaluation.rd_curve(system, pictures, codec, strengths, verbose=0)
            try:
                return float(curve.psnr_at(rate))
            except ValueError as error:
                print(f"{name}: {error}")
                return float("nan")

        of_start = measure(model)
        line = f"{name:12}{of_start:8.2f}"

        def cell(value: float, steps: int, of_start: float = of_start) -> str:
            return f"{value:.2f} ({value - of_start:+.2f}) {steps:5d}"

        line += f"{cell(measure(proxied), proxy_steps):>18}"
        alone = (options.data, minutes, rates[1], codec, trained_for)
        steps = postprocessor_alone(model, *alone)
        line += f"{cell(measure(model), steps):>18}"
        model = keras.saving.load_model(start)
        steps = in_the_loop(model, options.data, minutes, rates[0], codec, trained_for)
        line += f"{cell(measure(model), steps):>22}"
        model.save(options.output / f"{name}.keras")
        print(line, f" strengths {', '.join(f'{s:g}' for s in trained_for)}", flush=True)


if __name__ == "__main__":
    main()
