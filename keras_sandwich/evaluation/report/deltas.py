"""How far a system is from each of the others, and how sure that is."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from keras_sandwich.evaluation.bjontegaard import bd_psnr, bd_rate
from keras_sandwich.evaluation.bootstrap import confidence_interval
from keras_sandwich.evaluation.curve import RDCurve, require_same_pictures, shared_measure
from keras_sandwich.evaluation.quality import Measure


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that it lies in, where that is known."""

    value: float
    interval: tuple[float, float] | None


@dataclass
class Deltas:
    """Bjøntegaard deltas of the first curve over each of the others; what could not be had is said in `notes`."""

    curves: Sequence[RDCurve]
    metrics: Sequence[str]
    level: float
    resamples: int
    notes: list[str] = field(default_factory=list)
    values: dict[tuple[int, str, str], Estimate | None] = field(default_factory=dict)
    measures: dict[str, Measure] = field(init=False)

    def __post_init__(self) -> None:
        self.measures = {metric: shared_measure(self.curves, metric) for metric in self.metrics}
        for number, baseline in enumerate(self.curves[1:], start=1):
            for metric in self.metrics:
                for kind, name, function in (
                    ("rate", "BD-rate", bd_rate),
                    ("quality", "difference at equal bits", bd_psnr),
                ):

                    def delta(
                        reference: RDCurve,
                        curve: RDCurve,
                        function: Callable[..., float] = function,
                        metric: str = metric,
                    ) -> float:
                        return function(reference, curve, metric)

                    self.values[number, metric, kind] = self.estimate(
                        delta,
                        [baseline, self.curves[0]],
                        f"{name} of {self.measures[metric].label} over {baseline.name}",
                    )

    def estimate(
        self, statistic: Callable[..., float], curves: Sequence[RDCurve], name: str
    ) -> Estimate | None:
        """A statistic with its interval; None where there is no value, and a note that says why."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = statistic(*curves)
            except ValueError as error:
                self.note(f"No {name}: {_in_words(error)}")
                return None
            try:
                require_same_pictures(curves)
                interval = confidence_interval(statistic, curves, self.level, self.resamples)
            except ValueError as error:
                self.note(f"No interval: {_in_words(error)}")
                interval = None
        for warning in caught:
            self.note(str(warning.message))
        return Estimate(value, interval)

    def note(self, text: str) -> None:
        """Says something below the tables, once."""
        if text not in self.notes:
            self.notes.append(text)

    def best_baseline(self) -> int | None:
        """The baseline over which the first metric gains least."""
        gains = {
            number: self.measures[metric].sign * estimate.value
            for (number, metric, kind), estimate in self.values.items()
            if metric == self.metrics[0] and kind == "quality" and estimate is not None
        }
        return min(gains, key=lambda number: gains[number]) if gains else None


def _in_words(error: ValueError) -> str:
    """What an error says before it tells a programmer what was received."""
    reason, _, _ = str(error).partition(" Received ")
    return reason[:1].lower() + reason[1:]
