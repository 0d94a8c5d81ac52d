"""One training for a range of rates: a quantizer step for each sample, and what its cost weighs."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class QstepRange:
    """Quantizer steps drawn evenly in their logarithm, from the lowest to the highest.

    Args:
        bounds: (lowest, highest), as `CompressIntraModel` takes them.
        codec_proxy: what is given the steps.
        seed: of the draws.

    Raises:
        ValueError: bounds that are none, or a proxy that takes no step.
    """

    def __init__(self, bounds: Sequence[float], codec_proxy: Any, seed: int | None) -> None:
        low, high = (float(bound) for bound in bounds)
        least = getattr(codec_proxy, "min_qstep", 0.0)
        if not (0 < low <= high < math.inf and low > least):
            raise ValueError(
                "`qstep_range` must be (lowest, highest), 0 < lowest ≤ highest, finite, and above the proxy's "
                f"min_qstep ({least:g}). Received qstep_range={tuple(bounds)}."
            )
        if getattr(codec_proxy, "train_qstep", True):
            raise ValueError(
                "With a `qstep_range` the steps are drawn, so the codec proxy must take them: an EncodeDecodeIntra "
                f"with train_qstep=False. Received {type(codec_proxy).__name__} with a step of its own."
            )
        self.bounds = low, high
        self.middle = math.sqrt(low * high)
        self.seed_generator = keras.random.SeedGenerator(seed)
        quantizer = getattr(getattr(codec_proxy, "proxy", None), "quantizer", None)
        self._whole = bool(getattr(quantizer, "whole", False))

    def draw(self, count: Any) -> Any:
        """Steps, [count] float32; whole ones where the codec's are."""
        low, high = (math.log(bound) for bound in self.bounds)
        steps = ops.exp(keras.random.uniform((count,), low, high, "float32", self.seed_generator))
        return ops.round(steps) if self._whole else steps

    def weights(self, qstep: Any) -> tuple[Any, Any]:
        """What γ and what the cost are multiplied by at steps, [batch] each.

        At a step Δ the slope of the rate-distortion curve is as Δ², and squared errors are about as Δ.
        """
        coarseness = qstep / self.middle
        return coarseness**2, 1.0 / coarseness
