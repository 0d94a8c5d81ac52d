"""The trainings behind the presets of normal maps and materials: on generated ones, and on some made of photographs.

export KERAS_BACKEND=torch OMP_NUM_THREADS=1
python -m benchmarks.quality.material_training normal-maps --output runs/normals.keras --photographs train/free
python -m benchmarks.quality.material_training normal-maps --chroma-subsampling 4:2:0 --start runs/normals.keras …
python -m benchmarks.quality.material_training materials --output runs/materials.keras --photographs train/free

No texture that anybody measures with is trained on. A photograph's luma serves as heights, and in materials the
photograph as their colour, as programs make materials of photographs. Killed and started again, a training goes on.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.quality.long_training import CLIPPED, take_weights
from keras_sandwich.datasets.generated_materials import material_from_photograph

MAPS = {"normal-maps": ("normal_xy",), "materials": ks.pictures.MATERIAL_MAPS}
EPOCHS, ENDLESS = 100, 1_000_000
# Of the exponential average of the weights: trainings of a few hundred steps.
AVERAGED = 0.995
SIDE = 256


def materials_to_train(
    kind: str, count: int, photographs: Path | None, every: int = 1
) -> list[np.ndarray]:
    """So many generated ones, and one of every photograph, or of each so many, uint8 [256, 256, channels]."""
    made = []
    for seed in range(count):
        if kind == "normal-maps":
            made.append(ks.pictures.normals_to_levels(ks.datasets.generate_normal_map(SIDE, seed)))
        else:
            made.append(ks.datasets.generate_material(SIDE, seed))
    files = ks.pictures.find_pictures(photographs) if photographs else []
    for seed, file in enumerate(files[::every]):
        reduced = ks.datasets.crops.reduce_lanczos(ks.pictures.read_srgb(file).astype("float32"), 2)
        material = material_from_photograph(reduced[:SIDE, :SIDE], seed)
        made.append(material[..., 3:5] if kind == "normal-maps" else material)
    return [np.clip(np.round(material), 0, 255).astype("uint8") for material in made]


def make(kind: str, filters: list[int], chroma_subsampling: str) -> tuple[Any, Any]:
    """The model, built, and what it is trained for."""
    networks: dict[str, Any] = {
        "encoder_filters": filters,
        "decoder_filters": [2 * filters[-1], *filters[::-1]],
        "seed": 0,
    }
    if kind == "normal-maps":
        model = ks.models.create_normal_map_codec_model(chroma_subsampling, **networks)
        return model, ks.losses.NormalAngleError()
    model = ks.models.create_material_codec_model(**networks)
    return model, ks.losses.ShadingError(MAPS[kind], renders=4)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=MAPS)
    parser.add_argument("--output", type=Path, required=True, help="the model's file, .keras")
    parser.add_argument("--photographs", type=Path, help="folder")
    parser.add_argument("--every", type=int, default=1, help="take one photograph of so many")
    parser.add_argument("--generated", type=int, default=300)
    parser.add_argument("--start", type=Path, help="a model's file to take weights from")
    parser.add_argument("--chroma-subsampling", default="4:4:4")
    parser.add_argument("--filters", type=int, nargs="+", default=[20, 40], help="of the encoder")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--minutes", type=float, help="how long, instead of steps")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    model, loss = make(options.kind, options.filters, options.chroma_subsampling)
    if options.start:
        start = keras.saving.load_model(options.start, compile=False)
        print(f"{take_weights(model, start)} of {len(model.weights)} weights taken")
    crops = ks.datasets.MaterialCrops(
        materials_to_train(options.kind, options.generated, options.photographs, options.every),
        MAPS[options.kind],
        batch_size=options.batch_size,
        steps_per_epoch=20 if options.minutes else max(options.steps // EPOCHS, 1),
    )
    model.compile(
        keras.optimizers.Adam(global_clipnorm=CLIPPED, use_ema=True, ema_momentum=AVERAGED),
        loss=loss,
    )
    callbacks = [
        ks.callbacks.SynchronizeEpoch(crops),
        ks.callbacks.TrainingBudget(options.learning_rate, options.minutes, final=0.01),
        keras.callbacks.BackupAndRestore(options.output.with_suffix(".backup")),
    ]
    epochs = ENDLESS if options.minutes else EPOCHS  # the minutes end it
    model.fit(crops, epochs=epochs, callbacks=callbacks, verbose=2)
    model.save(options.output)


if __name__ == "__main__":
    main()
