"""Materials over JPEG: the sandwich, and the three files that people make, with real files.

export KERAS_BACKEND=torch OMP_NUM_THREADS=1
python -m benchmarks.quality.materials TEXTURES
python -m benchmarks.quality.materials TEXTURES --models runs/materials.keras --results runs/trial
python -m benchmarks.quality.materials --tables

TEXTURES is a folder of material folders. Of each material the middle 256×256 pixels are coded. The baseline is a colour
file, a normal file and a packed file of occlusion, roughness and metalness; each is JPEG, their steps are allocated by
the grid of `RATIOS`, and the best of it is what is compared with. Results are files of `save_results` in
`benchmarks/results/materials/`; what is there is not measured again, unless it is of other weights.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.quality import surface_curves
from keras_sandwich.evaluation.quality import MEASURES, Measure
from keras_sandwich.losses.shading_error import lights_and_views
from keras_sandwich.models.material_scenarios import MATERIAL_FILES

RESULTS = Path(__file__).resolve().parent.parent / "results" / "materials"
SIDE = 256
STEPS = (6, 12, 22, 38, 64)
RENDERS, SEED = 2, 4321  # lights and views that no training has seen
# Of the normal's and the packed file's step over the colour file's.
RATIOS = ((0.5, 1.0), (0.5, 2.0), (1.0, 1.0), (1.0, 2.0))
PRESET = "materials"
MAPS = ks.pictures.MATERIAL_MAPS
METRICS = {"psnr-renders": "PSNR of renders", "ssim-renders": "SSIM of renders"}


@dataclass(frozen=True)
class ThreeFiles:
    """Nine channels as a colour file, a normal file and a packed file, each with a step of its own."""

    chroma_subsampling: str  # of the colour file; the others keep their chroma
    normal_ratio: float
    packed_ratio: float
    step: float = 8.0

    @property
    def name(self) -> str:
        return f"colour {self.chroma_subsampling}, normal ×{self.normal_ratio:g}, packed ×{self.packed_ratio:g}"

    version = "three JPEG files"
    settings: Any = field(default_factory=dict)

    def with_strength(self, strength: float) -> "ThreeFiles":
        return replace(self, step=strength)

    def for_channels(self, channels: int) -> "ThreeFiles":
        return self

    def codecs(self) -> list[ks.codecs.JPEG]:
        steps = (self.step, self.step * self.normal_ratio, self.step * self.packed_ratio)
        kept = (self.chroma_subsampling, "4:4:4", "4:4:4")
        return [
            ks.codecs.JPEG(qstep=int(np.clip(round(step), 1, 255)), chroma_subsampling=chroma)
            for step, chroma in zip(steps, kept, strict=True)
        ]

    def encode(self, image: np.ndarray) -> bytes:
        files = [c.encode(p) for c, p in zip(self.codecs(), np.split(image, 3, -1), strict=True)]
        lengths = np.array([len(file) for file in files[:2]], "<u4")
        return lengths.tobytes() + b"".join(files)

    def decode(self, data: bytes) -> np.ndarray:
        first, second = (int(n) for n in np.frombuffer(data[:8], "<u4"))
        files = (
            data[8 : 8 + first],
            data[8 + first : 8 + first + second],
            data[8 + first + second :],
        )
        return np.concatenate([c.decode(f) for c, f in zip(self.codecs(), files, strict=True)], -1)


class Unpacked:
    """Eight channels as nine, the normals as x, y and z, and occlusion, roughness and metalness packed."""

    name = "three files"

    def preprocess(self, images: Any) -> np.ndarray:
        images = keras.ops.convert_to_numpy(images)
        normals = 127.5 * (ks.pictures.levels_to_normals(images[..., 3:5]) + 1.0)
        return np.concatenate([images[..., :3], normals, images[..., [7, 5, 6]]], axis=-1)

    def postprocess(self, bottlenecks: Any, output_size: Any = None) -> np.ndarray:
        decoded = keras.ops.convert_to_numpy(bottlenecks)
        normals = ks.evaluation.NormalMapBaseline("xyz").postprocess(decoded[..., 3:6])
        return np.concatenate([decoded[..., :3], normals, decoded[..., [7, 8, 6]]], axis=-1)


def ssim_of_renders() -> Measure:
    """The mean SSIM of renders under the held-out lights and views."""
    directions = list(zip(*lights_and_views(RENDERS, SEED), strict=True))

    def measured(target: np.ndarray, restored: np.ndarray, peak: float) -> float:
        pictures = [
            [
                keras.ops.convert_to_numpy(ks.ops.render_material(x[None], light, view, MAPS))[0]
                for x in (target.astype("float32"), restored.astype("float32"))
            ]
            for light, view in directions
        ]
        return float(np.mean([MEASURES["ssim-rgb"](*pair, 255.0) for pair in pictures]))

    return Measure("ssim-renders", measured, label="SSIM of renders", decimals=4, similarity=True)


def load(folder: Path) -> dict[str, np.ndarray]:
    """Each material, [256, 256, 8], by its name; those of ambientCG have y down."""
    materials = {}
    for name, maps in ks.pictures.find_materials(folder).items():
        convention = "directx" if "ambientcg" in name else "opengl"
        material = ks.pictures.read_material(maps, convention)
        top, left = ((size - SIDE) // 2 for size in material.shape[:2])
        short = name.rpartition("/")[2].replace("FlightHelmet_Materials_", "")
        materials[short] = material[top : top + SIDE, left : left + SIDE]
    return materials


def systems(models: list[Path]) -> dict[str, tuple[Any, Any, str]]:
    """The system, the codec and the weights' fingerprint of each curve."""
    found: dict[str, tuple[Any, Any, str]] = {}
    for chroma in ("4:2:0",):  # halved, which shows less in renders than its bits cost
        for ratios in RATIOS:
            name = f"three-files-{chroma.replace(':', '')}-{ratios[0]:g}-{ratios[1]:g}"
            found[name] = (Unpacked(), ThreeFiles(chroma, *ratios), "")
    codec = ks.codecs.Split(ks.codecs.JPEG(qstep=8, color_transform=False), MATERIAL_FILES)
    alone = {"use_unet_preprocessor": False, "use_unet_postprocessor": False}
    linear = ks.models.create_material_codec_model(None, **alone)  # U-Nets begin by adding nothing
    found["linear-start"] = (linear, codec, "")
    if PRESET in ks.presets.names() and not models:
        model = ks.models.CompressIntraModel.from_preset(PRESET)
        found[f"preset-{PRESET}"] = (model, codec, ks.presets.fingerprint(model))
    for file in models:
        model = keras.saving.load_model(file, compile=False)
        found[file.stem] = (model, codec, ks.presets.fingerprint(model))
    return found


def measure(folder: Path, models: list[Path], results: Path) -> None:
    surface_curves.measure(
        systems(models),
        load(folder),
        STEPS,
        [ks.evaluation.render_psnr(MAPS, RENDERS, SEED), ssim_of_renders()],
        results,
        lambda curve: f"dB {curve.mean_quality('psnr-renders').round(2)}",
    )


def tables(results: Path) -> str:
    """Bits over the best allocation's of three files at equal quality of renders, material by material."""
    curves = surface_curves.load_curves(results)
    baselines = [curve for name, curve in curves.items() if name.startswith("three-files")]
    lines = []
    for metric, what in METRICS.items():
        lines += [f"\nBits over the best three files' at equal {what}\n"]
        lines += surface_curves.head([*baselines[0].pictures, "mean"])
        for name, curve in curves.items():
            if not name.startswith("three-files") or name == "three-files-420-1-1":
                lines.append(surface_curves.bits_over(name, curve, baselines, metric))
    return "\n".join(lines)


if __name__ == "__main__":
    surface_curves.run(__doc__, RESULTS, measure, tables)
