"""Normal maps over JPEG: sandwiches and the ways in which people code them, with real files.

export KERAS_BACKEND=torch OMP_NUM_THREADS=1
python -m benchmarks.quality.normal_maps TEXTURES            # baselines, the linear start and the bundled presets
python -m benchmarks.quality.normal_maps TEXTURES --models runs/normals.keras --results runs/trial
python -m benchmarks.quality.normal_maps --tables

TEXTURES is a folder of material folders. Of every map called `…Normal…` the middle 512×512 pixels are coded. Results
are files of `save_results` in `benchmarks/results/normal-maps/`; what is there is not measured again, unless it is of
other weights.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks
from benchmarks.quality import surface_curves
from keras_sandwich.pictures import find_pictures, normals_to_levels, read_normal_map

RESULTS = Path(__file__).resolve().parent.parent / "results" / "normal-maps"
SIDE = 512
STEPS = (6, 10, 16, 26, 42)
ANGLE = "normal-angle"
RENDERS = {"renders": 1, "seed": 1234}  # lights and views that no training has seen
PRESETS = {"4:4:4": "normal_maps_444", "4:2:0": "normal_maps_420"}
# Of files that are known to have y down.
DIRECTX = ("Rock020", "Tiles036")
AT = (1.0, 1.5, 2.0, 3.0, 4.0)  # degrees


def load(folder: Path) -> dict[str, np.ndarray]:
    """x and y of each normal map, [512, 512, 2], by the name of its material."""
    maps = {}
    for file in find_pictures(folder):
        if "normal" not in file.stem.lower():
            continue
        convention = "directx" if file.stem.startswith(DIRECTX) else "opengl"
        levels = normals_to_levels(read_normal_map(file, convention))
        top, left = ((size - SIDE) // 2 for size in levels.shape[:2])
        name = file.stem.removesuffix("_Normal").replace("FlightHelmet_Materials_", "")
        maps[name] = levels[top : top + SIDE, left : left + SIDE]
    return maps


def codec(subsampling: str, transform: bool = True) -> ks.codecs.JPEG:
    return ks.codecs.JPEG(qstep=8, chroma_subsampling=subsampling, color_transform=transform)


def systems(models: list[Path]) -> dict[str, tuple[Any, Any, str]]:
    """The system, the codec and the weights' fingerprint of each curve."""
    found: dict[str, tuple[Any, Any, str]] = {}
    for subsampling, preset in PRESETS.items():
        if preset in ks.presets.names() and not models:
            model = ks.models.CompressIntraModel.from_preset(preset)
            mark = ks.presets.fingerprint(model)
            coder = codec(subsampling, subsampling != "4:4:4")
            found[f"preset-{preset}"] = (model, coder, mark)
    for coding in ("xyz", "xy", "octahedral"):
        for planes in ("luma",) if coding == "xyz" else ("rgb", "luma"):
            baseline = ks.evaluation.NormalMapBaseline(coding, planes)
            for subsampling in ("4:4:4", "4:2:0"):
                # Two numbers cost fewest bits in planes of their own, where no chroma is halved.
                if coding == "xyz" or (planes == "rgb") == (subsampling == "4:4:4"):
                    coder = codec(subsampling, planes == "luma")
                    name = f"{baseline.name} {subsampling}".replace(" ", "-").replace(":", "")
                    found[name] = (baseline, coder, "")
    for subsampling in ("4:4:4", "4:2:0"):  # without the U-Nets, which begin by adding nothing
        alone = {"use_unet_preprocessor": False, "use_unet_postprocessor": False}
        linear = ks.models.create_normal_map_codec_model(subsampling, qstep_range=None, **alone)
        coder = codec(subsampling, subsampling != "4:4:4")
        found[f"linear-start-{subsampling.replace(':', '')}"] = (linear, coder, "")
    for file in models:
        model = keras.saving.load_model(file, compile=False)
        proxy = model.codec_proxy.proxy
        coder = codec(proxy.chroma_subsampling, proxy.convert_to_yuv)
        found[file.stem] = (model, coder, ks.presets.fingerprint(model))
    return found


def measure(folder: Path, models: list[Path], results: Path) -> None:
    surface_curves.measure(
        systems(models),
        load(folder),
        STEPS,
        [ks.evaluation.normal_angle(), ks.evaluation.render_psnr(("normal_xy",), **RENDERS)],
        results,
        lambda curve: f"° {curve.mean_quality(ANGLE).round(2)}",
    )


def tables(results: Path) -> str:
    """Bits over the best baseline's at equal angle and at equal PSNR of renders, and bits at some angles."""
    curves = surface_curves.load_curves(results)
    lines = []
    for subsampling, title in (("444", "JPEG 4:4:4"), ("420", "JPEG 4:2:0"), ("", "Either")):
        around = {k: c for k, c in curves.items() if k.endswith(subsampling) or subsampling in k}
        ours = [k for k in around if not k.startswith(("xy", "octahedral"))]
        baselines = {k: c for k, c in around.items() if k not in ours}
        pictures = next(iter(around.values())).pictures
        for metric, what in ((ANGLE, "equal angle"), ("psnr-renders", "equal PSNR of renders")):
            lines += [f"\n{title}, bits over the best baseline's at {what}\n"]
            lines += surface_curves.head([*pictures, "mean"])
            for name in [*baselines, *ours]:
                others = [curve for other, curve in baselines.items() if other != name]
                lines.append(surface_curves.bits_over(name, around[name], others, metric))
        lines += [f"\n{title}, bits per pixel at an angle, mean of the maps that reach it\n"]
        lines += surface_curves.head([f"{angle:g}°" for angle in AT])
        for name, curve in around.items():
            lines.append(f"| {name} | " + " | ".join(_bits_at(curve, angle) for angle in AT) + " |")
    return "\n".join(lines)


def _bits_at(curve: ks.evaluation.RDCurve, angle: float) -> str:
    """The geometric mean over the maps whose curves reach the angle."""
    logs = []
    for k in range(len(curve.pictures)):
        angles, bits = curve.quality[ANGLE][:, k], curve.bpp[:, k]
        order = np.argsort(angles)
        if angles.min() <= angle <= angles.max():
            logs.append(np.interp(angle, angles[order], np.log(bits[order])))
    return f"{np.exp(np.mean(logs)):.3f} ({len(logs)})" if logs else "—"


if __name__ == "__main__":
    surface_curves.run(__doc__, RESULTS, measure, tables)
