"""Results as JSON files, in the layout that CompressAI's plot tool reads, and with all that a curve holds."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._arguments import check_positive, require_integers
from keras_sandwich._whole_files import write_whole
from keras_sandwich.evaluation.compressai import curve_of_means, numbers
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.quality import Measure

FORMAT = "keras-sandwich results 1"
TEXTS = ("codec", "version", "bits_counted")
SAID_OF_MEASURES = ("label", "unit", "higher_is_better", "decimals", "similarity")
# A list of numbers over several lines, which no string can be: there a line's end is written as an escape.
NUMBERS = re.compile(r"(?<=\[)\n\s+[-+.\deE]+(,\n\s+[-+.\deE]+)*\n\s+(?=\])")


def save_results(curve: RDCurve, path: str | Path, digits: int | None = None) -> None:
    """Writes a curve as JSON: means where CompressAI's plot tool looks for them, everything else beside them.

    "name", "description" and "results" (lists by metric, and "bpp") are CompressAI's. Ours are the codec, its version
    and settings, which bits were counted, the strengths, each picture's own values, each metric's unit and direction,
    and the versions of the packages. The file is written whole or not at all.

    Example:

    ```python
    import keras_sandwich as ks

    curve = ks.evaluation.RDCurve(
        "a codec", "JPEG 4:2:0", [4, 8], [[1.0], [0.5]], {"psnr-rgb": [[30.0], [27.0]]}
    )
    ks.evaluation.save_results(curve, "a_codec.json")
    assert ks.evaluation.load_results("a_codec.json").psnr_at(0.5) == 27.0
    ```

    Args:
        curve: what to save.
        path: the file, usually `….json`.
        digits: how many significant digits each picture's values have, of which the means are then made: six are more
            than any table shows, and a third of the bytes; single frames of clips are then left out. None: all.

    Raises:
        TypeError: settings that JSON cannot hold.
        ValueError: `digits` that are not 1 or more.
    """
    if digits is not None:
        require_integers(digits=digits)
        values = {name: _rounded(values, digits) for name, values in curve.quality.items()}
        curve = replace(curve, bpp=_rounded(curve.bpp, digits), quality=values, per_frame={})
    number = curve.bpp.shape[1]
    content = {
        "name": curve.name,
        "description": f"{curve.codec} ({curve.version}). Bits: {curve.bits_counted}. "
        f"Means over {number} picture{'s' if number > 1 else ''}.",
        "results": {
            "bpp": curve.mean_bpp.tolist(),
            **{metric: curve.mean_quality(metric).tolist() for metric in curve.quality},
        },
        "format": FORMAT,
        **{name: getattr(curve, name) for name in TEXTS},
        "fingerprint": curve.fingerprint,
        "settings": dict(curve.settings),
        "strengths": list(curve.strengths),
        "sources": list(curve.sources),
        "measured": list(curve.measured),
        "pictures": list(curve.pictures),
        "sizes": [list(size) for size in curve.sizes],
        "per_picture": {
            "bpp": curve.bpp.tolist(),
            **{metric: values.tolist() for metric, values in curve.quality.items()},
        },
        **({"per_frame": _listed(curve.per_frame)} if curve.per_frame else {}),
        "measures": {
            metric: {said: getattr(measure, said) for said in SAID_OF_MEASURES}
            for metric, measure in curve.measures.items()
        },
        "packages": dict(curve.packages),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    text = NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    # The bytes of a name that is of no encoding are lone surrogates, which UTF-8 cannot hold and JSON can.
    text = re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
    write_whole(path, text + "\n")


def load_results(path: str | Path, pixels_per_second: float | None = None) -> RDCurve:
    """Reads a curve from a file of `save_results`, or from one of CompressAI's, which hold means alone.

    Of a file with means alone the curve has one column, and no confidence interval can be had. CompressAI's results of
    video have bit rates in kbit/s: how many pixels a second the sequences had is not in the file.

    Example:

    ```python
    import json
    from pathlib import Path

    import keras_sandwich as ks

    results = {"bpp": [0.1, 0.2], "psnr": [28.1, 29.6], "ms-ssim": [0.92, 0.94]}
    Path("mbt2018.json").write_text(json.dumps({"name": "mbt2018", "results": results}))
    curve = ks.evaluation.load_results("mbt2018.json")
    assert sorted(curve.quality) == ["ms-ssim-rgb", "psnr-rgb"]
    ```

    Args:
        path: the file.
        pixels_per_second: of a file of bit rates in kbit/s, width·height·frames per second of the sequences:
            1920·1080·120 for most of the UVG's.

    Returns:
        An `RDCurve`.

    Raises:
        ValueError: the file is damaged, holds something else, or lacks what `pixels_per_second` says.
    """
    if pixels_per_second is not None:
        check_positive(pixels_per_second, "pixels_per_second")
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"'{path}' is not JSON, or was cut short: {error}") from error
    means = content.get("results", content) if isinstance(content, dict) else None
    if not isinstance(means, dict) or not {"bpp", "bitrate"} & set(means):
        raise ValueError(
            f"Expected results of rate and quality, {{'results': {{'bpp': …}}}}, in '{path}'. "
            "Received JSON of another kind."
        )
    if "bpp" not in means and pixels_per_second is None:
        raise ValueError(
            f"'{path}' has the bit rates of video in kbit/s, and not how many pixels a second it had: "
            "pass pixels_per_second=width * height * frames_per_second."
        )
    try:
        if "per_picture" not in content:
            return curve_of_means(content, means, path.stem, pixels_per_second or 1.0)
        return _whole_curve(content, means)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"The results in '{path}' are damaged: {reason}") from error


def _listed(per_frame: Mapping[str, Sequence[np.ndarray]]) -> dict[str, Any]:
    return {name: [values.tolist() for values in clips] for name, clips in per_frame.items()}


def _rounded(values: np.ndarray, digits: int) -> np.ndarray:
    return np.vectorize(lambda value: float(f"{value:.{digits}g}"), otypes=["float64"])(values)


def _whole_curve(content: dict[str, Any], means: dict[str, Any]) -> RDCurve:
    arrays = {name: numbers(values) for name, values in content["per_picture"].items()}
    curve = RDCurve(
        name=str(content["name"]),
        strengths=numbers(content["strengths"]).tolist(),
        bpp=arrays.pop("bpp"),
        quality=arrays,
        **{name: str(content[name]) for name in TEXTS},
        fingerprint=str(content.get("fingerprint", "")),
        settings=dict(content["settings"]),
        pictures=[str(name) for name in content["pictures"]],
        sizes=[(int(height), int(width)) for height, width in content["sizes"]],
        sources=[str(name) for name in content["sources"]],
        measured=[bool(point) for point in content.get("measured", [])],
        packages={str(k): str(v) for k, v in content["packages"].items()},
        per_frame={
            str(name): [numbers(values) for values in clips]
            for name, clips in content.get("per_frame", {}).items()
        },
        measures={
            metric: Measure(metric, **{name: said[name] for name in SAID_OF_MEASURES})
            for metric, said in content.get("measures", {}).items()
        },
    )
    truth = {"bpp": curve.mean_bpp} | {name: curve.mean_quality(name) for name in curve.quality}
    for name, values in truth.items():
        given = numbers(means[name])
        if given.shape != values.shape or not np.allclose(given, values, rtol=1e-9):
            raise ValueError(f"the means of '{name}' are not those of the pictures.")
    return curve
