"""The long trainings behind the bundled presets and the page on other codecs, and the baselines with the same budget.

export KERAS_BACKEND=torch OMP_NUM_THREADS=1
python -m benchmarks.quality.long_training grayscale --data train --output runs/grayscale.keras
python -m benchmarks.quality.long_training lowres --part postprocessor --data train --output runs/lowres/after.keras

With one thread each, one training fits a core; killed and started again it goes on. `--start` takes the weights of a
model that was trained before. The photographs are taken as they are and reduced by 2 and by 3, and come in other
colours too: there are few of them, and in half an hour a sandwich knows the colours of nine by heart. Each batch has a
quantizer step of its own, so that one model serves a range of rates. `--files` goes on with JPEG files in the loop.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from keras_sandwich.datasets.crops import reduce_lanczos

SCENARIOS: dict[str, dict[str, Any]] = {
    "grayscale": {
        "bottleneck_channels": 1,
        "patch_size": 16,
        "num_mlp_layers": 1,
        "cascade": True,
    },
    "lowres": {
        "bottleneck_channels": 3,
        "downsample_factor": 2,
        "convert_to_yuv": True,
    },
}
GAMMAS = {"grayscale": 450.0, "lowres": 1000.0}
QSTEPS = {"grayscale": (19.0, 48.0), "lowres": (19.0, 41.0)}
PARTS = {
    "sandwich": ks.models.create_basic_model,
    "postprocessor": ks.models.create_postprocessor_baseline,
    "preprocessor": ks.models.create_preprocessor_baseline,
}
REDUCTIONS = (1, 2, 3)
ENDLESS = 100_000  # epochs: the minutes end the training


def make(
    scenario: str, part: str, gamma: float, chroma_subsampling: str, dtype: str
) -> ks.models.CompressIntraModel:
    """The model, built; a baseline has the same networks, less one."""
    colour = scenario == "lowres"
    model = PARTS[part](
        **SCENARIOS[scenario],
        gamma=gamma,
        rate_model=ks.layers.JpegRate(
            gradient="unrounded" if colour else "quantized",
            interleaved=colour,
            chroma_subsampling=chroma_subsampling,
        ),
        chroma_subsampling=chroma_subsampling,
        encoder_filters=(32, 64),
        decoder_filters=(128, 64, 32),
        unet_patch_size=2,
        unet_block_size=16,
        dtype=dtype,
    )
    model.build((None, None, None, 3))
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--part", choices=PARTS, default="sandwich")
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--output", type=Path, required=True, help="the model's file, .keras")
    parser.add_argument("--start", type=Path, help="a model of the same networks to go on from")
    parser.add_argument("--gamma", type=float, help="the scenario's own, if not given")
    parser.add_argument("--qsteps", type=float, nargs=2, metavar=("LOWEST", "HIGHEST"))
    parser.add_argument("--files", action="store_true", help="JPEG files in the loop, no proxy")
    parser.add_argument("--chroma-subsampling", default="4:4:4", help="of the codec, for lowres")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--copies", type=int, default=15, help="of each photograph, recoloured")
    parser.add_argument("--dtype", default="mixed_bfloat16")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    gamma = GAMMAS[options.scenario] if options.gamma is None else options.gamma
    model = make(options.scenario, options.part, gamma, options.chroma_subsampling, options.dtype)
    if options.start:
        model.set_weights(keras.saving.load_model(options.start).get_weights())
        model.gamma = gamma  # one of the weights
    # Files are as large as those that are measured: their headers and Huffman tables cost alike.
    crop_size, batch_size = (256, 2) if options.files else (128, 8)
    photographs = ks.datasets.load_images(options.data).values()
    reduced = [reduce_lanczos(p.astype("float32"), r) for p in photographs for r in REDUCTIONS]
    reduced = [picture for picture in reduced if min(picture.shape[:2]) >= crop_size]
    crops = ks.datasets.image_folder(
        ks.datasets.recolor(reduced, options.copies),
        crop_size=crop_size,
        batch_size=batch_size,
        steps_per_epoch=25,
    )
    model.compile(keras.optimizers.Adam(), loss="mse")
    budget = ks.callbacks.TrainingBudget(
        options.learning_rate,
        options.minutes,
        final=0.01,
        state_file=options.output.with_suffix(".budget.json"),
    )
    qsteps = options.qsteps or QSTEPS[options.scenario]
    callbacks = [
        ks.callbacks.SynchronizeEpoch(crops),
        budget,
        keras.callbacks.BackupAndRestore(options.output.with_suffix(".backup")),
    ]
    if options.files:
        codec = ks.codecs.JPEG(chroma_subsampling=options.chroma_subsampling)
        strengths = np.unique(np.round(np.geomspace(*qsteps, 5)))
        ks.training.train_through_codec(
            model, crops, codec, strengths, epochs=ENDLESS, callbacks=callbacks, verbose=2
        )
    else:
        callbacks.append(ks.callbacks.VaryingQstep(*qsteps))
        model.fit(crops, epochs=ENDLESS, callbacks=callbacks, verbose=2)
    model.save(options.output)


if __name__ == "__main__":
    main()
