"""Depth maps through real files: the sandwich, its linear start, and the codings that cameras and data sets use.

export KERAS_BACKEND=torch
python -m benchmarks.quality.depth_maps --disparity stereo/motorcycle_disp.npz  # measures
python -m benchmarks.quality.depth_maps --tables  # writes docs/depth-maps.md

Each map is brought to 16 bits over its own range, for all alike. Bits are those of whole files, without what holes
cost, which is the same for all; errors are of the pixels that are no holes. The results stand in
`benchmarks/results/depth.json`.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import keras_sandwich as ks

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "depth.json"
PAGE = ROOT / "docs" / "depth-maps.md"
SCENES = 6  # made up, of seeds that no training had
RATES = (0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
MEASURES = {
    "epe": "end-point error",
    "off": "pixels off by more than 1 %",
    "inverse": "PSNR of 1/depth",
}
OURS, LAYERS = "the preset `depth`", "its layers without a network"
JPEG_CODINGS = ("256 levels", "hue", "triangle wave", "high and low byte")
DEEP_CODECS = ("JPEG 2000, 16 bits", "HEIC gray, 12 bits")
PEAK = 65535.0

Point = tuple[float, np.ndarray]  # bits, the restored map of 16 bits
Way = Callable[[np.ndarray], Iterator[Point]]


def through(codec: ks.codecs.Codec, picture: np.ndarray) -> tuple[int, np.ndarray]:
    file = codec.encode(picture)
    return 8 * len(file), codec.decode(file)


def levels(depth: np.ndarray) -> Iterator[Point]:
    for qstep in (1, 2, 3, 4, 6, 9, 14, 20, 30, 45):
        bits, decoded = through(ks.codecs.JPEG(qstep=qstep), ks.depth.encode_levels(depth))
        yield bits, ks.depth.decode_levels(decoded)


def hue(depth: np.ndarray) -> Iterator[Point]:
    for qstep in (1, 2, 4, 8, 16, 32, 64):
        bits, decoded = through(ks.codecs.JPEG(qstep=qstep), ks.depth.encode_hue(depth))
        yield bits, ks.depth.decode_hue(decoded)


def triangle_wave(depth: np.ndarray) -> Iterator[Point]:
    for period in (4096, 16384, 65536):
        coded = ks.depth.encode_triangle_wave(depth, period)
        for qstep in (1, 2, 4, 8, 16, 32):
            bits, decoded = through(ks.codecs.JPEG(qstep=qstep, color_transform=False), coded)
            yield bits, ks.depth.decode_triangle_wave(decoded, period)


def high_and_low_byte(depth: np.ndarray) -> Iterator[Point]:
    high, low = ks.depth.split_bytes(depth)
    for qstep in (1, 2, 4, 8, 16, 32):
        bits, first = through(ks.codecs.JPEG(qstep=1), high)
        more, second = through(ks.codecs.JPEG(qstep=qstep), low)
        yield bits + more, ks.depth.join_bytes(first, second)


def jpeg2000(depth: np.ndarray) -> Iterator[Point]:
    for psnr in (35, 40, 45, 50, 55, 60, 66, 72):
        bits, decoded = through(ks.codecs.JPEG2000(psnr=psnr, bits=16), depth[..., None])
        yield bits, decoded[..., 0]


def heic(depth: np.ndarray) -> Iterator[Point]:
    for quality in (10, 30, 50, 60, 70, 80, 90, 100):
        bits, decoded = through(ks.codecs.HEIC(quality=quality, bits=12), (depth >> 4)[..., None])
        yield bits, decoded[..., 0] * 16.0 + 8


def sandwich(model: ks.models.CompressIntraModel) -> Way:
    def run(depth: np.ndarray) -> Iterator[Point]:
        samples = (depth * (65280 / PEAK)).astype("float32")[..., None]
        for qstep in (8, 9, 10, 11, 12, 14, 16, 20, 26, 34, 46, 62):
            outputs = ks.transport(model, samples[None], ks.codecs.JPEG(qstep=qstep))
            restored = np.clip(outputs["prediction"][0, ..., 0], 0, 65280) * (PEAK / 65280)
            yield float(outputs["rate"][0]), np.rint(restored)

    return run


def ways(model: str) -> dict[str, Way]:
    """By their names in the tables; the model is loaded when it is measured."""
    start = ks.models.create_depth_codec_model(use_unet_postprocessor=False)
    start.build((None, None, None, 1))
    return {
        OURS: lambda depth: sandwich(ks.files.networks.load_network(model).model)(depth),
        LAYERS: sandwich(start),
        "256 levels": levels,
        "hue": hue,
        "triangle wave": triangle_wave,
        "high and low byte": high_and_low_byte,
        "JPEG 2000, 16 bits": jpeg2000,
        "HEIC gray, 12 bits": heic,
    }


def maps(disparity: Path | None) -> dict[str, np.ndarray]:
    """Maps in a unit of their own, with holes."""
    found = {
        f"scene-{number}": ks.datasets.synthetic_depth(240, 320, (9000, number), "both", holes=True)
        for number in range(SCENES)
    }
    return found if disparity is None else {"motorcycle": ks.depth.load_depth(disparity), **found}


def measure(values: np.ndarray, made: dict[str, Way]) -> dict[str, list[dict[str, float]]]:
    filled, holes = ks.depth.fill_holes(values)
    low, high = float(filled.min()), float(filled.max())
    depth = np.rint((filled - low) / (high - low) * PEAK).astype("uint16")
    shown = filled.astype("float64")
    results = {}
    for name, way in made.items():
        points = []
        for bits, restored in way(depth):
            again = low + restored / PEAK * (high - low)
            points.append(
                {
                    "bpp": bits / depth.size,
                    "epe": ks.depth.end_point_error(
                        depth + 1.0, restored.astype("float64") + 1.0, ~holes
                    ),
                    "off": 100 * ks.depth.share_off(shown, again, valid=~holes),
                    "inverse": ks.depth.inverse_depth_psnr(shown, again, ~holes),
                }
            )
        results[name] = points
    return results


def at_rate(points: list[dict[str, float]], rate: float, measure: str) -> float | None:
    """The best value at a rate, by lines between neighbours of the frontier; None beyond the finest or coarsest."""
    better = max if measure == "inverse" else min
    frontier: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: p["bpp"]):
        value = point[measure]
        if not frontier or (value != frontier[-1][1] and better(value, frontier[-1][1]) == value):
            frontier.append((point["bpp"], value))
    rates, values = (np.array(axis) for axis in zip(*frontier, strict=True))
    if rate < rates[0]:
        return None
    positive = measure == "epe"
    found = np.interp(np.log(rate), np.log(rates), np.log(values) if positive else values)
    return float(np.exp(found) if positive else found)


def means(results: dict, names: list[str], rate: float, measure: str, way: str) -> float | None:
    """The mean over maps; of errors in levels the geometric one."""
    values = [at_rate(results[name][way], rate, measure) for name in names if way in results[name]]
    known = [value for value in values if value is not None]
    if len(known) < len(names):
        return None
    return float(np.exp(np.mean(np.log(known)))) if measure == "epe" else float(np.mean(known))


def table(results: dict, names: list[str], measure: str) -> str:
    head = [MEASURES[measure], *(f"{rate:g} bpp" for rate in RATES)]
    lines = [head, ["---", *["---:"] * len(RATES)]]
    form = {"epe": ".0f", "off": ".2f", "inverse": ".1f"}[measure]
    for way in (OURS, LAYERS, *JPEG_CODINGS, *DEEP_CODECS):
        cells = [means(results, names, rate, measure, way) for rate in RATES]
        lines.append([way, *("–" if cell is None else f"{cell:{form}}" for cell in cells)])
    if measure == "epe":
        ratios = []
        for rate in RATES:
            ours = means(results, names, rate, "epe", OURS)
            others = [means(results, names, rate, "epe", way) for way in JPEG_CODINGS]
            best = min((other for other in others if other is not None), default=None)
            ratios.append("–" if ours is None or best is None else f"**{ours / best:.2f}**")
        lines.append(["ours over the best coding in JPEG", *ratios])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(page: str, results: dict) -> str:
    """The page with its tables as the results have them."""
    for place, names in (
        ("motorcycle", ["motorcycle"]),
        ("scenes", [name for name in results if name.startswith("scene")]),
    ):
        for measure in MEASURES:
            name = f"{place}-{measure}"
            pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
            made = table(results, names, measure)
            page = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", page)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--disparity", type=Path, help="a real map beside the made-up ones")
    parser.add_argument("--model", default="depth", help="a preset or a .keras file")
    parser.add_argument("--only", nargs="+", help="ways to measure anew; the others stay")
    parser.add_argument(
        "--tables", action="store_true", help="measure nothing, write the page's tables"
    )
    options = parser.parse_args()
    if not options.tables:
        every = ways(options.model)
        made = {name: way for name, way in every.items() if name in (options.only or every)}
        found = json.loads(RESULTS.read_text(encoding="utf-8")) if options.only else {}
        results = {
            name: {**found.get(name, {}), **measure(values, made)}
            for name, values in maps(options.disparity).items()
        }
        rounded = json.dumps(results, indent=None, separators=(",", ":"))
        rounded = re.sub(r"\d+\.\d{5,}", lambda found: f"{float(found[0]):.5g}", rounded)
        RESULTS.write_text(rounded + "\n", encoding="utf-8")
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    if PAGE.exists():
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
