"""What training with a real codec gains over as much more training through the proxy, measured with real files.

KERAS_BACKEND=torch python -m benchmarks.quality.through_the_codec --model grayscale --minutes 10 \
    --codecs jpeg webp avif --data train --test test

From one trained model, for each codec and with as many minutes of processor time each, coding files included: more
training through the proxy, the postprocessor alone on what the codec decodes, and the codec in the loop. Without
`--model` a grayscale sandwich is trained first, for `--start-minutes`.
"""

import argparse
import functools
import time
from pathlib import Path
from typing import Any

import keras

import keras_sandwich as ks
from keras_sandwich.datasets.crops import reduce_lanczos
from keras_sandwich.inference.strengths import first_within

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
WAYS = ("proxy", "postprocessor", "loop")


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
    through_proxy(model, data, ProcessorBudget(1.5e-3, minutes))
    model.save(file)


def through_proxy(model: Any, data: Path, budget: ProcessorBudget) -> None:
    model.compile(keras.optimizers.Adam(), loss="mse")
    model.fit(crops_of(data), epochs=100_000, callbacks=[budget], verbose=0)


def postprocessor_alone(
    model: Any, data: Path, budget: ProcessorBudget, codec: Any, strengths: Any
) -> None:
    whole = ks.datasets.load_images(data).values()
    ks.training.finetune_postprocessor(
        model,
        [reduce_lanczos(picture.astype("float32"), 2) for picture in whole],
        codec,
        strengths,
        epochs=100_000,
        steps_per_epoch=STEPS_PER_EPOCH,
        augment=True,
        callbacks=[budget],
        verbose=0,
    )


def in_the_loop(
    model: Any, data: Path, budget: ProcessorBudget, codec: Any, strengths: Any
) -> None:
    model.compile(keras.optimizers.Adam(), loss="mse")
    ks.training.train_through_codec(
        model, crops_of(data), codec, strengths, epochs=100_000, callbacks=[budget], verbose=0
    )


def strengths_at(model: Any, pictures: Any, codec: Any, bits_per_pixel: float) -> list[float]:
    """Strengths whose files have about these bits, the whole of them, and some fewer and more."""
    bottlenecks = [
        ks.codecs.to_samples(ks.inference.preprocess_picture(model, picture), codec.bits)
        for picture in pictures
    ]
    pixels = sum(picture.shape[0] * picture.shape[1] for picture in pictures)

    @functools.cache
    def rate(index: int) -> float:
        setting = codec.with_strength(codec.strengths[index])
        return 8 * sum(map(len, ks.codecs.encode_many(setting, bottlenecks, verbose=0))) / pixels

    count = len(codec.strengths)
    numbers = (first_within(rate, count, share * bits_per_pixel) for share in AROUND)
    chosen = [codec.strengths[min(number, count - 1)] for number in numbers]
    return sorted(set(chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a trained CompressIntraModel, .keras, or a preset's name")
    parser.add_argument("--start-minutes", type=float, default=3.0)
    parser.add_argument("--minutes", type=float, default=3.0, help="of processor time, each")
    parser.add_argument("--codecs", nargs="+", choices=CODECS, default=["jpeg", "webp", "avif"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
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
    if start in ks.presets.names():
        start = options.output / f"{options.model}.keras"
        ks.models.CompressIntraModel.from_preset(options.model).save(start)
    elif start is None:
        start = options.output / "start.keras"
        if not start.exists():
            train_start(options.data, options.start_minutes, options.dtype, start)
    pictures = list(ks.datasets.load_images(options.test).values())
    rate, minutes = options.bits_per_pixel, options.minutes
    rates = {
        "proxy": options.learning_rate,
        "postprocessor": options.post_learning_rate,
        "loop": options.learning_rate,
    }
    proxied: tuple[Any, int] | None = None
    print(f"PSNR in dB at {rate:g} bpp, {len(pictures)} pictures, {minutes:g} minutes each; steps")
    print(f"{'':8}{'start':>7}" + "".join(f"{way:>23}" for way in options.ways), flush=True)
    for name in options.codecs:
        codec = CODECS[name]()
        model = keras.saving.load_model(start, compile=False)
        strengths = strengths_at(model, pictures, codec, rate)
        of_start = quality(model, pictures, codec, strengths, rate)
        print(f"{name:8}{of_start:7.2f}", end="", flush=True)
        for way in options.ways:
            model = keras.saving.load_model(start, compile=False)
            budget = ProcessorBudget(rates[way], minutes)
            if way == "proxy":  # the same for each codec
                if proxied is None:
                    through_proxy(model, options.data, budget)
                    proxied = (model, budget.steps)
                model, steps = proxied
            else:
                train = postprocessor_alone if way == "postprocessor" else in_the_loop
                train(model, options.data, budget, codec, strengths[TRAINED])
                steps = budget.steps
                model.save(options.output / f"{name}_{way}.keras")
            reached = quality(model, pictures, codec, strengths, rate)
            print(f"{reached:9.2f} ({reached - of_start:+.2f}) {steps:5d}", end="", flush=True)
        print("   strengths", *(f"{strength:g}" for strength in strengths[TRAINED]), flush=True)


def quality(model: Any, pictures: Any, codec: Any, strengths: Any, bits_per_pixel: float) -> float:
    curve = ks.evaluation.rd_curve(model, pictures, codec, strengths, verbose=0)
    try:
        return float(curve.psnr_at(bits_per_pixel))
    except ValueError as error:
        print(f" {error}")
        return float("nan")


if __name__ == "__main__":
    main()
