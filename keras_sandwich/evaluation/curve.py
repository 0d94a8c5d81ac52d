"""A rate-distortion curve: what it holds, and what can be read from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_sandwich.evaluation.quality import MEASURES, Measure


@dataclass(frozen=True, eq=False)
class RDCurve:
    """Rates and qualities of pictures over the strengths of a codec, each picture's own values kept.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    curve = ks.evaluation.RDCurve(
        name="a codec",
        codec="JPEG 4:2:0",
        strengths=[4, 8],
        bpp=[[1.0, 1.2], [0.5, 0.7]],
        quality={"psnr-rgb": [[30.0, 32.0], [27.0, 28.0]]},
    )
    assert curve.mean_psnr.tolist() == [31.0, 27.5]
    assert 27.5 < curve.psnr_at(0.8) < 31.0 and curve.strength_at(0.8) == 8
    ```

    Args:
        name: what was measured.
        codec: the codec's name.
        strengths: the codec's strengths, [strengths].
        bpp: bits per pixel of the output picture, [strengths, pictures].
        quality: by metric ("psnr-rgb", "psnr-luma", "ssim-rgb", "ms-ssim-rgb", or one's own), [strengths, pictures]: of
            each picture, rounded and clipped as a file holds it.
        version: the libraries that did the work.
        settings: the codec's, as it was given to `rd_curve`; of its strength, `strengths` are what was measured.
        bits_counted: which bits; `rd_curve` counts those of the whole file.
        pictures: the pictures' names, where known.
        sizes: the pictures' heights and widths, where known.
        sources: on a Pareto frontier, the name of the curve from which each point came.
        measured: on an upper envelope, whether each point was measured; one that was not lies between two that were,
            and so does its strength. Empty: all were.
        packages: versions of the packages that measured.
        fingerprint: of the model that was measured, `presets.fingerprint(model)`, where whoever measured it says so:
            results of other weights are other results.
        per_frame: of clips, by metric, for each clip the values of its frames, [strengths, frames], of which `quality`
            has the means. Frontiers and envelopes have none.
        measures: by metric, its `Measure`: unit, label and which direction is better. Of a metric that is not the
            package's and has none here, higher is better, and it has no unit.

    Raises:
        ValueError: arrays whose shapes do not agree, rates that are not positive, or values that are not finite.
    """

    name: str
    codec: str
    strengths: Sequence[float]
    bpp: np.ndarray = field(repr=False)
    quality: Mapping[str, np.ndarray] = field(repr=False)
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    bits_counted: str = "whole file"
    pictures: Sequence[str] = field(default=(), repr=False)
    sizes: Sequence[tuple[int, int]] = field(default=(), repr=False)
    sources: Sequence[str] = field(default=(), repr=False)
    measured: Sequence[bool] = field(default=(), repr=False)
    packages: Mapping[str, str] = field(default_factory=dict, repr=False)
    fingerprint: str = field(default="", repr=False)
    measures: Mapping[str, Measure] = field(default_factory=dict, repr=False)
    per_frame: Mapping[str, Sequence[np.ndarray]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        arrays = {"bpp": np.asarray(self.bpp, "float64")}
        arrays |= {name: np.asarray(values, "float64") for name, values in self.quality.items()}
        shape = arrays["bpp"].shape
        shapes = {name: array.shape for name, array in arrays.items()}
        if len(shape) != 2 or 0 in shape or set(shapes.values()) != {shape}:
            raise ValueError(
                f"Expected arrays [strengths, pictures] of one shape. Received {shapes}."
            )
        along = {
            "strengths": shape[0],
            "sources": shape[0],
            "measured": shape[0],
            "pictures": shape[1],
            "sizes": shape[1],
        }
        for name, expected in along.items():
            given = list(getattr(self, name))
            if len(given) != expected and (given or name == "strengths"):
                raise ValueError(
                    f"Expected `{name}` of length {expected}, as `bpp` has the shape {shape}. "
                    f"Received {len(given)}."
                )
            object.__setattr__(self, name, given)
        frames = {
            name: [np.asarray(values, "float64") for values in clips]
            for name, clips in self.per_frame.items()
        }
        for name, clips in frames.items():
            means = [values.mean(axis=-1) for values in clips if values.ndim == 2 and values.size]
            if len(means) != shape[1] or not np.allclose(np.transpose(means), arrays[name]):
                raise ValueError(
                    f"Expected `per_frame` of '{name}' to hold for each of {shape[1]} clips the values of its frames, "
                    f"[{shape[0]}, frames], whose means are the clip's. Received others."
                )
        object.__setattr__(self, "per_frame", frames)
        bad = [name for name, array in arrays.items() if not np.all(np.isfinite(array))]
        if bad or not np.all(arrays["bpp"] > 0):
            raise ValueError(
                "Expected finite values and positive rates. Received "
                + (f"values of {bad} that are not finite." if bad else "rates of 0 or less.")
            )
        object.__setattr__(self, "strengths", [float(strength) for strength in self.strengths])
        object.__setattr__(self, "bpp", arrays.pop("bpp"))
        object.__setattr__(self, "quality", arrays)
        known = {**MEASURES, **self.measures}
        measures = {name: known.get(name) or Measure(name) for name in arrays}
        object.__setattr__(self, "measures", measures)

    @property
    def psnr(self) -> np.ndarray:
        """dB of each picture, all channels together, [strengths, pictures]."""
        return self._values("psnr-rgb")

    @property
    def mean_bpp(self) -> np.ndarray:
        """Bits per pixel at each strength, the mean over pictures."""
        return np.asarray(self.bpp.mean(axis=1))

    @property
    def mean_psnr(self) -> np.ndarray:
        """dB at each strength, the mean over pictures of each picture's dB."""
        return self.mean_quality()

    def mean_quality(self, metric: str = "psnr-rgb") -> np.ndarray:
        """A metric at each strength, the mean over pictures."""
        return np.asarray(self._values(metric).mean(axis=1))

    def scaled_quality(self, metric: str = "psnr-rgb") -> np.ndarray:
        """A metric on the scale of plots and Bjøntegaard deltas, [strengths, pictures].

        SSIM and MS-SSIM as −10·log10(1 − x) dB, every other metric as it is.
        """
        values = self._values(metric)
        return np.asarray(self.measures[metric].to_scale(values))

    def mean_scaled_quality(self, metric: str = "psnr-rgb") -> np.ndarray:
        """`scaled_quality` at each strength, the mean over pictures."""
        return np.asarray(self.scaled_quality(metric).mean(axis=1))

    def quality_at(self, bits_per_pixel: float, metric: str = "psnr-rgb") -> float:
        """A mean metric at a rate, linear in the logarithm of the rate between measured points.

        Raises:
            ValueError: the curve does not reach that rate, or does not hold that metric.
        """
        order = np.argsort(self.mean_bpp)
        rates, qualities = self.mean_bpp[order], self.mean_quality(metric)[order]
        if not rates[0] <= bits_per_pixel <= rates[-1]:
            raise ValueError(
                f"The curve '{self.name}' runs from {rates[0]:.3f} to {rates[-1]:.3f} bits per pixel. "
                f"Received {bits_per_pixel}; measure more strengths."
            )
        return float(np.interp(np.log(bits_per_pixel), np.log(rates), qualities))

    def psnr_at(self, bits_per_pixel: float) -> float:
        """dB at a rate, linear in the logarithm of the rate between measured points.

        Raises:
            ValueError: the curve does not reach that rate.
        """
        return self.quality_at(bits_per_pixel)

    def nearest(self, bits_per_pixel: float, picture: int | None = None) -> int:
        """The index of the measured point whose rate is nearest by ratio, on average or for one picture."""
        rates = self.mean_bpp if picture is None else self.bpp[:, picture]
        distances = np.abs(np.log(rates / bits_per_pixel))
        return int(np.argmin(np.where(self.measured or True, distances, np.inf)))

    def strength_at(self, bits_per_pixel: float, picture: int | None = None) -> float:
        """The measured strength whose rate is nearest, on average or for one picture."""
        return self.strengths[self.nearest(bits_per_pixel, picture)]

    def of_pictures(self, indices: Any) -> "RDCurve":
        """The curve of some of the pictures, of which some may be taken more than once."""
        indices = np.asarray(indices, "int64")
        some = {
            "bpp": self.bpp[:, indices],
            "quality": {name: values[:, indices] for name, values in self.quality.items()},
            "pictures": [self.pictures[k] for k in indices] if self.pictures else [],
            "sizes": [self.sizes[k] for k in indices] if self.sizes else [],
            "per_frame": {n: [clips[k] for k in indices] for n, clips in self.per_frame.items()},
        }
        drawn = object.__new__(
            RDCurve
        )  # what was checked once is right: a bootstrap draws thousands
        vars(drawn).update(vars(self) | some)
        return drawn

    def _values(self, metric: str) -> np.ndarray:
        if metric not in self.quality:
            raise ValueError(
                f"The curve '{self.name}' holds {sorted(self.quality)}. "
                f"Received metric={metric!r}; measure it with rd_curve(…, metrics=…)."
            )
        return np.asarray(self.quality[metric])


def require_same_pictures(curves: Sequence[RDCurve]) -> None:
    """ValueError unless the curves are of the same pictures in the same order, as far as is known."""
    numbers = [curve.bpp.shape[1] for curve in curves]
    names = [tuple(curve.pictures) for curve in curves if curve.pictures]
    sizes = [tuple(map(tuple, curve.sizes)) for curve in curves if curve.sizes]
    if len(set(numbers)) > 1 or len(set(names)) > 1 or len(set(sizes)) > 1:
        raise ValueError(
            "Expected curves of the same pictures in the same order. Received "
            + ", ".join(
                f"'{curve.name}' of {number} picture(s)"
                for curve, number in zip(curves, numbers, strict=True)
            )
            + ("." if len(set(numbers)) > 1 else "; their names or sizes differ.")
        )


def shared_measure(curves: Sequence[RDCurve], metric: str) -> Measure:
    """What curves say of a metric; ValueError if one lacks it, or if they disagree on its unit or direction."""
    for curve in curves:
        curve.mean_quality(metric)
    said = [curve.measures[metric] for curve in curves] or [Measure(metric)]
    kinds = {(m.unit, m.higher_is_better, m.similarity) for m in said}
    if len(kinds) > 1:
        raise ValueError(
            f"Expected curves that agree on what '{metric}' is. Received "
            + ", ".join(f"'{c.name}': {c.measures[metric].axis}" for c in curves)
            + "; give each the same `Measure`."
        )
    return said[0]


def rd_table(curves: Sequence[RDCurve], rates: Sequence[float], metric: str = "psnr-rgb") -> str:
    """A metric of curves at some rates as a table of text; the first curve's gains beside the others.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    psnr = np.array([[30.0], [27.0]])
    curve = ks.evaluation.RDCurve(
        "codec", "JPEG", [4, 8], np.array([[1.0], [0.5]]), {"psnr-rgb": psnr}
    )
    assert "30.00" in ks.evaluation.rd_table([curve], [1.0])
    ```

    Args:
        curves: results of `rd_curve`; the first is the one that the others are compared with.
        rates: bits per pixel.
        metric: what to show, the means over pictures.

    Returns:
        Lines of text. A rate that a curve does not reach is marked "–". A gain is the first curve's value less the
        other's: where lower is better, which the first line then says, a negative one is good.

    Raises:
        ValueError: a curve that does not hold the metric, or curves that disagree on its unit or direction.
    """

    def quality(curve: RDCurve, rate: float) -> float:
        try:
            return curve.quality_at(rate, metric)
        except ValueError:
            return float("nan")

    measure = shared_measure(curves, metric)
    decimals, title = measure.decimals, f"{measure.title} at"
    width = max(len(text) for text in (title, *(curve.name for curve in curves)))
    lines = [title.ljust(width) + "".join(f"{f'{rate:g} bpp':>18}" for rate in rates)]
    for curve in curves:
        line = curve.name.ljust(width)
        for rate in rates:
            value, best = quality(curve, rate), quality(curves[0], rate)
            text = "–" if np.isnan(value) else f"{value:.{decimals}f}"
            missing = curve is curves[0] or np.isnan(best - value)
            gain = "" if missing else f"({best - value:+.{decimals}f})"
            line += f"{text:>9} {gain:>8}"
        lines.append(line.rstrip())
    return "\n".join(lines)
