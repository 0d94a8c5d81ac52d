"""Pictures of 16 bits, and radiance, through real files of 8 bits: where truncation ends, and what lies beyond.

export KERAS_BACKEND=torch
python -m benchmarks.quality.high_bit_depth --photographs test/kodak --radiance hdr   # measures
python -m benchmarks.quality.high_bit_depth --tables                                  # writes docs/high-bit-depth.md

Photographs come at half their size, which gives averages of several pixels levels between those of 8 bits; every third
of the folder. Radiance comes at a quarter, coded by its logarithm over its own range, as `encode_file` codes it; its
measure is PU21-PSNR, with the 99.9 % quantile at 1000 cd/m². The results are `benchmarks/results/high_bit_depth.json`.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import keras_sandwich as ks
from benchmarks.quality.photographs import deep_pictures
from keras_sandwich.files.stated_values import StatedValues
from keras_sandwich.pictures import find_pictures, read_srgb

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "high_bit_depth.json"
PAGE = ROOT / "docs" / "high-bit-depth.md"
PEAK = 65280.0
RATES = {"photographs": (4, 6, 8, 10, 12), "radiance": (2, 4, 6, 8)}
OURS, LINEAR = "the preset `high_bit_depth`", "its linear start, without networks"
TRUNCATED, BYTES = "truncated to 8 bits, JPEG 4:4:4", "two files, high and low byte, JPEG"
DEEP = "JPEG 2000, 16 bits"
BRIGHT, QUANTILE = 1000.0, 0.999

Point = tuple[float, np.ndarray]
Way = Callable[[np.ndarray], Iterator[Point]]


def code(codec: ks.codecs.Codec, picture: np.ndarray) -> Point:
    file = codec.encode(picture)
    return 8.0 * len(file), codec.decode(file).astype("float32")


def truncated(picture: np.ndarray) -> Iterator[Point]:
    levels = np.clip(np.rint(picture / 256), 0, 255).astype("uint8")
    for qstep in (1, 2, 3, 4, 6, 9, 14):
        bits, decoded = code(ks.codecs.JPEG(qstep=qstep), levels)
        yield bits, decoded * 256


def two_files(picture: np.ndarray) -> Iterator[Point]:
    whole = np.rint(picture).astype("uint16")
    for qstep in (4, 32):
        bits, high = code(ks.codecs.JPEG(qstep=1, optimize=False), (whole >> 8).astype("uint8"))
        more, low = code(ks.codecs.JPEG(qstep=qstep), (whole & 255).astype("uint8"))
        yield bits + more, high * 256 + low


def jpeg2000(picture: np.ndarray) -> Iterator[Point]:
    levels = np.rint(picture * (65535 / PEAK)).astype("uint16")
    for psnr in (36, 40, 44, 48, 52, 56, 60):
        bits, decoded = code(ks.codecs.JPEG2000(psnr=psnr, bits=16), levels)
        yield bits, decoded * (PEAK / 65535)


def sandwich(model: Any) -> Way:
    def run(picture: np.ndarray) -> Iterator[Point]:
        for qstep in (1, 2, 3, 4, 6, 9, 14):
            codec = ks.codecs.JPEG(qstep=qstep, color_transform=False)
            outputs = ks.transport(model(), picture[None], codec)
            yield float(outputs["rate"][0]), outputs["prediction"][0]

    return run


def ways(model: str) -> dict[str, Way]:
    start = ks.models.create_high_bit_depth_codec_model(
        use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    return {
        OURS: sandwich(lambda: ks.files.networks.load_network(model).model),
        LINEAR: sandwich(lambda: start),
        TRUNCATED: truncated,
        BYTES: two_files,
        DEEP: jpeg2000,
    }


def measure(
    made: dict[str, Way], picture: np.ndarray, quality: Callable[[np.ndarray], float]
) -> Any:
    pixels = picture.shape[0] * picture.shape[1]
    return {
        name: [
            (bits / pixels, quality(np.rint(np.clip(restored, 0, PEAK))))
            for bits, restored in way(picture)
        ]
        for name, way in made.items()
    }


def photographs(made: dict[str, Way], folder: Path) -> dict[str, Any]:
    results = {}
    for file in find_pictures(folder)[::3]:
        (deep,) = deep_pictures([read_srgb(file)])

        def quality(restored: np.ndarray, deep: np.ndarray = deep) -> float:
            return ks.evaluation.quality.psnr(deep, restored, PEAK)

        results[file.stem] = measure(made, deep.astype("float32"), quality)
    return results


def radiance(made: dict[str, Way], folder: Path) -> dict[str, Any]:
    results = {}
    for file in sorted(folder.glob("*.hdr")):
        light = ks.pictures.load_radiance(file)
        height, width = (size // 4 * 4 for size in light.shape[:2])
        light = light[:height, :width].reshape(height // 4, 4, width // 4, 4, 3).mean(axis=(1, 3))
        values = StatedValues.of_radiance(light)
        scale = BRIGHT / float(np.quantile(light, QUANTILE))

        def quality(
            restored: np.ndarray, values: Any = values, light: Any = light, scale: Any = scale
        ) -> float:
            return ks.evaluation.pu21_psnr(light * scale, values.to_values(restored, PEAK) * scale)

        results[file.stem] = measure(made, values.to_samples(light, PEAK), quality)
    return results


def mean_at(results: dict[str, Any], way: str, rate: float) -> float | None:
    """dB, the mean over pictures; None where one of them is not as small, its best where not as large."""
    values = []
    for picture in results.values():
        points = sorted(map(tuple, picture[way]))
        bpp, quality = (np.array(axis) for axis in zip(*points, strict=True))
        if rate < bpp[0]:
            return None
        values.append(np.interp(np.log(rate), np.log(bpp), np.maximum.accumulate(quality)))
    return float(np.mean(values))


def best(results: dict[str, Any], way: str) -> tuple[float, float]:
    """dB at the finest step, and bits per pixel, means over pictures."""
    finest = [max(picture[way], key=lambda point: point[1]) for picture in results.values()]
    return tuple(np.mean(finest, axis=0)[::-1])


def table(results: dict[str, Any], kind: str) -> str:
    title = {"photographs": "PSNR in dB", "radiance": "PU21-PSNR in dB"}[kind]
    lines = [[title, *(f"{rate} bpp" for rate in RATES[kind]), "at its best", "at bpp"]]
    lines.append(["---", *["---:"] * (len(RATES[kind]) + 2)])
    for way in (OURS, LINEAR, TRUNCATED, BYTES, DEEP):
        if any(way not in picture for picture in results.values()):
            continue
        cells = [mean_at(results, way, rate) for rate in RATES[kind]]
        quality, bpp = best(results, way)
        texts = ["–" if cell is None else f"{cell:.2f}" for cell in cells]
        end = ["", ""] if way == DEEP else [f"{quality:.2f}", f"{bpp:.1f}"]
        lines.append([way, *texts, *end])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(page: str, results: dict[str, Any]) -> str:
    """The page with its tables as the results have them."""
    for kind in RATES:
        made = table(results[kind], kind)
        pattern = re.compile(rf"(<!-- {kind} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", page)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, help="a folder")
    parser.add_argument("--radiance", type=Path, help="a folder of .hdr files")
    parser.add_argument("--model", default="high_bit_depth", help="a preset or a .keras file")
    parser.add_argument("--only", nargs="+", help="ways to measure anew; the others stay")
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if not options.tables:
        every = ways(options.model)
        made = {name: way for name, way in every.items() if name in (options.only or every)}
        for kind, function, folder in (
            ("photographs", photographs, options.photographs),
            ("radiance", radiance, options.radiance),
        ):
            found = results.get(kind, {})
            measured = function(made, folder)
            results[kind] = {name: {**found.get(name, {}), **m} for name, m in measured.items()}
        rounded = json.dumps(results, separators=(",", ":"))
        rounded = re.sub(r"\d+\.\d{5,}", lambda number: f"{float(number[0]):.5g}", rounded)
        RESULTS.write_text(rounded + "\n", encoding="utf-8")
    if PAGE.exists():
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
