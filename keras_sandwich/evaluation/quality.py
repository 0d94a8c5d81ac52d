"""How good one decoded picture is: the measures that a curve can hold, and a user's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.evaluation.gaussian_windows import gaussian_windows
from keras_sandwich.ops.color import RGB_TO_YUV
from keras_sandwich.ops.structural_similarity import LEAST_SIDE, WINDOW, multi_scale, single_scale

LEAST_ERROR = 1e-6  # equal pictures: one pixel in a million off by one, or 60 dB of SSIM


@dataclass(frozen=True)
class Measure:
    """A measure of quality: what computes it, what it is called, in which unit, and which direction is better.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks


    def mean_error(target, restored, peak):
        return np.abs(target - restored).mean()


    error = ks.evaluation.Measure(
        "mean-error", mean_error, label="mean error", unit="levels", higher_is_better=False
    )
    pictures = ks.datasets.sample_images("test")[:1, :64, :64]
    curve = ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(), pictures, ks.codecs.JPEG(qstep=1), (4, 32), [error], verbose=0
    )
    assert (np.diff(curve.mean_quality("mean-error")) > 0).all()  # coarser steps, larger errors
    ```

    Args:
        name: the key by which curves and files of results hold it.
        function: (target, restored, peak) to one finite number. Both pictures are float32 [height, width, channels] in
            [0, peak], rounded and clipped as a file holds them. None of a measure that was read from a file.
        label: what axes and tables call it; by default the name.
        unit: such as "dB" or "%"; "" for none.
        higher_is_better: False for distances and errors, such as LPIPS.
        decimals: how many a table shows.
        least_side: the smallest height and width that it is defined for.
        similarity: whether it ends at 1, as SSIM does. Plots and Bjøntegaard deltas then take −10·log10(1 − x) dB.

    Raises:
        ValueError: no name, or a similarity of which lower is better.
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray, float], Any] | None = field(
        default=None, compare=False, repr=False
    )
    label: str = ""
    unit: str = ""
    higher_is_better: bool = True
    decimals: int = 3
    least_side: int = field(default=1, compare=False)
    similarity: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"A measure needs a name, a string. Received name={self.name!r}.")
        if self.similarity and not self.higher_is_better:
            raise ValueError(
                f"Of a similarity, which ends at 1, higher is better. Received '{self.name}' with "
                "similarity=True and higher_is_better=False."
            )
        object.__setattr__(self, "label", self.label or self.name)

    def __call__(self, target: np.ndarray, restored: np.ndarray, peak: float) -> float:
        """The measure of one picture.

        Raises:
            ValueError: it was read from a file and has no function, or the function gives no finite number.
        """
        if self.function is None:
            raise ValueError(f"The measure '{self.name}' has no function to compute it with.")
        value = self.function(target, restored, peak)
        number = np.asarray(value if isinstance(value, np.ndarray) else ops.convert_to_numpy(value))
        if number.size != 1 or number.dtype.kind not in "buif" or not np.isfinite(number).all():
            raise ValueError(
                f"The metric '{self.name}' must give one finite number for a picture. "
                f"Received {str(value)[:80]}."
            )
        return float(number.reshape(()))

    @property
    def sign(self) -> float:
        """1 where higher is better, −1 where lower is."""
        return 1.0 if self.higher_is_better else -1.0

    @property
    def scale_unit(self) -> str:
        """The unit of `to_scale`."""
        return "dB" if self.similarity else self.unit

    @property
    def axis(self) -> str:
        """The label of an axis on the scale of plots."""
        unit = f" ({self.scale_unit})" if self.scale_unit else ""
        return self.label + unit + ("" if self.higher_is_better else ", lower is better")

    @property
    def title(self) -> str:
        """What a table of values is called."""
        unit = f" in {self.unit}" if self.unit else ""
        return self.label + unit + ("" if self.higher_is_better else " (lower is better)")

    def to_scale(self, values: np.ndarray) -> np.ndarray:
        """Values on the scale of plots: a similarity in dB, others as they are."""
        if not self.similarity:
            return values
        return np.asarray(-10.0 * np.log10(np.maximum(1.0 - values, LEAST_ERROR)))

    def from_scale(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `to_scale`."""
        return 1.0 - 10.0 ** (-values / 10.0) if self.similarity else values

    def with_unit(self, text: str) -> str:
        """A number's text and the unit of plots."""
        return f"{text} {self.scale_unit}".rstrip()


def psnr(target: np.ndarray, picture: np.ndarray, peak: float) -> float:
    """dB over all pixels and channels."""
    error = np.subtract(target, picture, dtype="float64")
    return psnr_of_error(float(np.mean(error * error)), peak)


def psnr_of_error(squared: float, peak: float) -> float:
    """dB of a mean squared error."""
    return float(10.0 * np.log10(peak**2 / max(squared, LEAST_ERROR)))


def luma_psnr(target: np.ndarray, picture: np.ndarray, peak: float) -> float:
    """dB of Y, BT.601; a picture of one channel is its own luma."""
    if target.shape[-1] not in (1, 3):
        raise ValueError(
            "'psnr-luma' needs pictures of 1 or 3 channels. "
            f"Received {target.shape[-1]}; leave it out of `metrics`."
        )
    if target.shape[-1] == 3:
        target, picture = target @ RGB_TO_YUV[0], picture @ RGB_TO_YUV[0]
    return psnr(target, picture, peak)


def _by_channel(
    function: Callable[..., Any], target: np.ndarray, picture: np.ndarray, peak: float
) -> float:
    """The mean over channels, one after the other, since a large picture's maps take much memory.

    In NumPy: what is measured does not depend on the backend, and nothing is compiled anew for a picture's size.
    """
    values = []
    for channel in range(target.shape[-1]):
        pair = (x[None, ..., channel, None].astype("float32") for x in (target, picture))
        a, b = (x / np.float32(peak) - np.float32(0.5) for x in pair)
        values.append(function(a, b, np, gaussian_windows)[0])
    return float(np.mean(values))


PSNR = Measure("psnr-rgb", psnr, "PSNR", "dB", decimals=2)
MEASURES = {
    measure.name: measure
    for measure in (
        PSNR,
        Measure("psnr-luma", luma_psnr, "PSNR of the luma", "dB", decimals=2),
        Measure(
            "ssim-rgb",
            partial(_by_channel, single_scale),
            "SSIM",
            decimals=4,
            least_side=WINDOW,
            similarity=True,
        ),
        Measure(
            "ms-ssim-rgb",
            partial(_by_channel, multi_scale),
            "MS-SSIM",
            decimals=4,
            least_side=LEAST_SIDE,
            similarity=True,
        ),
    )
}
# What files of results call the rate and, in some of CompressAI's, PSNR and MS-SSIM of RGB.
RESERVED = ("bpp", "bitrate", "psnr", "ms-ssim")


def measures(metrics: Any, pictures: Sequence[np.ndarray] = ()) -> dict[str, Measure]:
    """The measures of these names, functions and `Measure`s, by name.

    Raises:
        ValueError: an unknown name, names that collide, or pictures too small for a measure.
        TypeError: what is neither a name nor a function.
    """
    one = isinstance(metrics, str | Measure) or callable(metrics)
    given = [metrics] if one else list(metrics)
    unknown = [name for name in given if isinstance(name, str) and name not in MEASURES]
    if unknown or not given:
        raise ValueError(
            f"`metrics` must be some of {tuple(MEASURES)}, functions (target, restored, peak) to a number, or "
            f"`Measure`s of such functions. Received {given}."
        )
    found: dict[str, Measure] = {}
    for metric in given:
        measure = MEASURES[metric] if isinstance(metric, str) else _own_measure(metric)
        if measure.name in found:
            raise ValueError(
                f"Two of the `metrics` are called '{measure.name}', under which a curve can hold one; "
                "name one of them with Measure(name, function)."
            )
        found[measure.name] = measure
    for measure in found.values():
        least = measure.least_side
        small = [p.shape[:2] for p in pictures if min(p.shape[:2]) < least]
        if small:
            raise ValueError(
                f"'{measure.name}' needs pictures of at least {least}×{least} pixels. "
                f"Received {small[0][0]}×{small[0][1]}; leave it out of `metrics`."
            )
    return found


def _own_measure(metric: Any) -> Measure:
    """A user's function or `Measure`, under a name that is none of the package's."""
    if not isinstance(metric, Measure):
        if not callable(metric):
            raise TypeError(
                "A metric is a name, a function (target, restored, peak) to a number, or a `Measure`. "
                f"Received {metric!r}."
            )
        name = getattr(metric, "__name__", getattr(metric, "name", None))
        if not isinstance(name, str) or name == "<lambda>":
            raise ValueError(
                f"A metric that has no name of its own is given one: Measure(name, function). Received {metric!r}."
            )
        metric = Measure(name, metric)
    own = MEASURES.get(metric.name)
    if metric.name in RESERVED or (own is not None and metric.function is not own.function):
        raise ValueError(
            f"'{metric.name}' is a name of the package's own, under which other numbers are expected. "
            "Name the metric otherwise, with Measure(name, function)."
        )
    return metric
