"""Results as JSON files, in the layout that CompressAI's plot tool reads, and with all that a curve holds."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.quality import MEASURES

FORMAT = "keras-sandwich results 1"
OLDER_NAMES = {"psnr": "psnr-rgb", "ms-ssim": "ms-ssim-rgb"}
TEXTS = ("codec", "version", "bits_counted")


def save_results(curve: RDCurve, path: str | Path) -> None:
    """Writes a curve as JSON: means where CompressAI's plot tool looks for them, everything else beside them.

    "name", "description" and "results" (lists by metric, and "bpp") are CompressAI's. Ours are the codec, its version
    and settings, which bits were counted, the strengths, each picture's own values, and the versions of the packages.

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

    Raises:
        TypeError: settings that JSON cannot hold.
    """
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
        "packages": dict(curve.packages),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def load_results(path: str | Path) -> RDCurve:
    """Reads a curve from a file of `save_results`, or from one of CompressAI's, which hold means alone.

    Of a file with means alone the curve has one column, and no confidence interval can be had.

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

    Returns:
        An `RDCurve`.

    Raises:
        ValueError: the file is damaged, or holds something else.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"'{path}' is not JSON, or was cut short: {error}") from error
    means = content.get("results") if isinstance(content, dict) else None
    if not isinstance(means, dict) or "bpp" not in means:
        raise ValueError(
            f"Expected results of rate and quality, {{'results': {{'bpp': …}}}}, in '{path}'. "
            "Received JSON of another kind."
        )
    try:
        if "per_picture" not in content:
            return _curve_of_means(path, content, means)
        return _whole_curve(content, means)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"The results in '{path}' are damaged: {reason}") from error


def _curve_of_means(path: Path, content: dict[str, Any], means: dict[str, Any]) -> RDCurve:
    qualities = {OLDER_NAMES.get(name, name): values for name, values in means.items()}
    qualities = {name: _numbers(v) for name, v in qualities.items() if name in MEASURES}
    if not qualities:
        raise ValueError(f"no metric of {sorted(MEASURES)} beside {sorted(means)}.")
    bpp = _numbers(means["bpp"])
    return RDCurve(
        name=str(content.get("name", path.stem)),
        codec=str(content.get("description") or content.get("name", path.stem)),
        strengths=range(len(bpp)),
        bpp=bpp[:, None],
        quality={name: values[:, None] for name, values in qualities.items()},
        bits_counted="not said in the file",
    )


def _whole_curve(content: dict[str, Any], means: dict[str, Any]) -> RDCurve:
    arrays = {name: _numbers(values) for name, values in content["per_picture"].items()}
    curve = RDCurve(
        name=str(content["name"]),
        strengths=_numbers(content["strengths"]).tolist(),
        bpp=arrays.pop("bpp"),
        quality=arrays,
        **{name: str(content[name]) for name in TEXTS},
        settings=dict(content["settings"]),
        pictures=[str(name) for name in content["pictures"]],
        sizes=[(int(height), int(width)) for height, width in content["sizes"]],
        sources=[str(name) for name in content["sources"]],
        measured=[bool(point) for point in content.get("measured", [])],
        packages={str(k): str(v) for k, v in content["packages"].items()},
    )
    truth = {"bpp": curve.mean_bpp} | {name: curve.mean_quality(name) for name in curve.quality}
    for name, values in truth.items():
        given = _numbers(means[name])
        if given.shape != values.shape or not np.allclose(given, values, rtol=1e-9):
            raise ValueError(f"the means of '{name}' are not those of the pictures.")
    return curve


def _numbers(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if not isinstance(values, list) or array.dtype.kind not in "if":
        raise ValueError(f"expected lists of numbers, received {str(values)[:60]}.")
    return array.astype("float64")
