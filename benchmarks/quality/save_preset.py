"""Makes a trained model a bundled preset, with what it was trained on and what was measured on whole photographs.

python -m benchmarks.quality.save_preset grayscale runs/grayscale.keras --training "…"   # the weights
python -m benchmarks.quality.rate_distortion kodak --curves "jpeg-flat/preset-grayscale-*"
python -m benchmarks.quality.save_preset grayscale                                       # what was measured
"""

import argparse
import json
from pathlib import Path
from typing import Any

import keras
from keras import ops

import keras_sandwich as ks
from benchmarks.quality.rate_distortion import RESULTS
from benchmarks.quality.tables import RATES

DATA = (
    "261 crops of 512x512 from some 170 photographs and graphics: wallpapers under CC0, CC BY, CC BY-SA and other free "
    "licences, and the CID22 training set; CC BY-SA 4.0 pictures among them"
)
# Where normal maps and materials are measured, by which measure and on what.
SURFACES = {
    "normal-maps": ("normal-angle", "six normal maps of ambientCG and Flight Helmet, 512x512"),
    "materials": ("psnr-renders", "seven materials of ambientCG and Flight Helmet, 256x256"),
}
PRESETS = Path(ks.presets.__file__).parent


def measured(name: str, fingerprint: str) -> dict[str, Any]:
    """Means over the Kodak pictures, if the preset of these weights was measured on all of them."""
    for file in sorted((RESULTS / "kodak" / "jpeg-flat").glob(f"preset-{name}-???.json")):
        curve = ks.evaluation.load_results(file)
        if curve.fingerprint != fingerprint or curve.bpp.shape[1] < 24:
            continue
        rates = [r for r in RATES if curve.mean_bpp.min() <= r <= curve.mean_bpp.max()]
        return {
            "psnr_at_bpp": {f"{r:g}": round(curve.psnr_at(r), 2) for r in rates},
            "ms_ssim_at_bpp": {
                f"{r:g}": round(curve.quality_at(r, "ms-ssim-rgb"), 4) for r in rates
            },
            "pictures": "the 24 whole Kodak pictures, means of decibels and of bits",
        }
    for folder, (metric, what) in SURFACES.items():
        file = RESULTS / folder / f"preset-{name}.json"
        curve = ks.evaluation.load_results(file) if file.exists() else None
        if curve is not None and curve.fingerprint == fingerprint:
            rates = [r for r in RATES if curve.mean_bpp.min() <= r <= curve.mean_bpp.max()]
            key = metric.replace("-", "_")
            values = {f"{r:g}": round(curve.quality_at(r, metric), 2) for r in rates}
            return {f"{key}_at_bpp": values, "pictures": what}
    return {}


def round_kernels(model: Any) -> None:
    """Rounds the kernels to float16, which half the bytes hold: what is measured, and what is in the wheel."""
    for weight in model.weights:
        if len(weight.shape) > 1:
            weight.assign(ops.cast(ops.cast(weight, "float16"), weight.dtype))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("model", nargs="?", help="a .keras file; left out: the preset as it is")
    parser.add_argument("--description", help="if not the one that is there")
    parser.add_argument("--presets", type=Path, default=PRESETS, help="the folder it goes into")
    parser.add_argument("--codec", help='measured around, such as "JPEG 4:2:0 with a flat step"')
    parser.add_argument("--data", help="what it was trained on, if not the photographs")
    parser.add_argument("--training", help="the command that made it")
    options = parser.parse_args()
    folder = options.presets / options.name
    said: dict[str, Any] = {}
    if (folder / ks.presets.bundled.METADATA).exists():
        said = json.loads((folder / ks.presets.bundled.METADATA).read_text(encoding="utf-8"))
    if options.model:
        model = keras.saving.load_model(options.model, compile=False)
        round_kernels(model)
    else:
        model = ks.models.CompressIntraModel.from_preset(folder)
    codec = options.codec or said.get("measured", {}).get("codec", "JPEG with a flat step")
    model.save_to_preset(
        folder,
        options.description or said.get("description", ""),
        {**measured(options.name, ks.presets.fingerprint(model)), "codec": codec},
        training=options.training or said.get("training", ""),
        data=options.data or (DATA if options.model else said.get("data", DATA)),
    )


if __name__ == "__main__":
    main()
