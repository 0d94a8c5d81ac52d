"""A picture's own JPEG coefficients, refined by what the fixed second network makes of them."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich._arguments import check_integer
from keras_sandwich.codecs import JPEG
from keras_sandwich.inference.transport import CodedBottleneck, code, decode
from keras_sandwich.models.processors import Postprocessor
from keras_sandwich.refinement.bit_changes import STEPS, bit_changes
from keras_sandwich.refinement.distortion_gradient import DistortionGradient
from keras_sandwich.refinement.jpeg_planes import JpegPlanes, Planes

MOST_EFFORT = 1000
# At a fine step Δ a coefficient of curvature H adds H·Δ²/12 to the squared error, and a bit halves Δ.
SLOPE = math.log(2) / 6
SHARE = 0.5  # of the changes that promise something, which are made in one pass: neighbours are tried apart
LEAST_CURVATURE = 0.3  # of the median
# What each coefficient's curvature is taken for, as a multiple, since many change at once: more after a pass that
# brought nothing, less after one that did.
MORE_DAMPING, LESS_DAMPING, LEAST_DAMPING, MOST_DAMPING = 2.0, 0.9, 0.5, 100.0
# Of λ, after a pass whose file is within the bits that are asked for, or is not.
LESS_SLOPE, MORE_SLOPE = 0.85, 1.25
PROBE = 0.2  # of a step, by which all coefficients are moved to measure the curvature


def refine_jpeg(
    model: Any,
    picture: np.ndarray,
    samples: np.ndarray,
    codec: JPEG,
    effort: int,
    *,
    plain: CodedBottleneck | None = None,
    most_bits: int | None = None,
    write: Callable[[Planes], bytes] | None = None,
    qstep: float | None = None,
    tile_size: int | None = 1024,
    after_pass: Callable[[], Any] = lambda: None,
) -> CodedBottleneck:
    """Codes a bottleneck so that the second network restores the picture better at as many bits.

    An encoder rounds each coefficient by itself and for the bottleneck's sake. Here each may go a step up or down where
    squared error of the restored picture + λ·bits becomes less: to first order by the network's gradient, to second by
    its curvature, measured for each frequency; bits by the symbols that stand before and after. A pass makes half of
    the changes that promise something, writes and reads the file, and keeps it if it is better. λ is the slope of the
    rate-distortion curve at the file's own step. The file is an ordinary one, and whoever decodes it needs nothing new.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    picture = ks.datasets.sample_images("test")[0][:64, :64]
    model = ks.models.create_linear_baseline(bottleneck_channels=1)
    codec = ks.codecs.JPEG(qstep=24)
    bottleneck = ks.inference.preprocess_picture(model, picture)
    samples = np.clip(np.round(bottleneck), 0, 255).astype("uint8")
    refined = ks.refinement.refine_jpeg(model, picture, samples, codec, effort=4)
    assert codec.decode(refined.data).shape == samples.shape
    ```

    Args:
        model: a `CompressIntraModel` whose postprocessor is a `Postprocessor` or None.
        picture: what should be restored, [height, width, channels] in [0, 255·2^k].
        samples: the bottleneck, uint8 [height, width, 1 or 3].
        codec: a `codecs.JPEG`.
        effort: passes, 0 to 1000. Each takes a step of the second network forward and backward. Sixteen bring most of
            the gain.
        plain: the bottleneck's file as it is, if it is there already.
        most_bits: which the file should come near to and not exceed; λ is changed for it. Of the files within them it
            is the one with the least error, and where none is, the last.
        write: makes a file of planes; None: `codec.encode_planes`.
        qstep: that the second network is told; None: the model's own.
        tile_size: as of `ks.inference.postprocess_picture`.
        after_pass: called after each pass.

    Returns:
        The file and what it decodes to; the plain one where nothing is better.

    Raises:
        ValueError: another codec, another postprocessor, or an effort out of its range.
    """
    effort = check_integer(effort, "effort", 0, MOST_EFFORT)
    require_refinable(model, codec)
    write = codec.encode_planes if write is None else write
    plain = code(samples, codec) if plain is None else plain
    if effort == 0:
        return plain
    jpeg = JpegPlanes(codec, samples.shape)
    error = DistortionGradient(model, samples.shape, picture, qstep, tile_size)
    planes = jpeg.planes(samples)

    def state_of(indices: Planes, coded: CodedBottleneck) -> _State:
        squared, gradient = error(coded.decoded)
        return _State(indices, coded, squared, jpeg.by_indices(gradient))

    random = np.random.default_rng(0)
    state = best = state_of(jpeg.indices(planes), plain)
    curvatures = _curvatures(jpeg, error, state, random)
    slope = SLOPE * _mean_over_coded(curvatures, state.indices)
    damping = 1.0
    for _ in range(effort):
        changes = _changes(jpeg, state, curvatures, damping, slope, random)
        indices = [old + new for old, new in zip(state.indices, changes, strict=True)]
        data = write(jpeg.planes_at(indices, planes))
        tried = state_of(indices, CodedBottleneck(data, decode(data, codec, samples.shape)))
        if tried.cost(slope) < state.cost(slope):
            state = tried
            damping = max(damping * LESS_DAMPING, LEAST_DAMPING)
        else:
            damping *= MORE_DAMPING
        if most_bits is None:
            best = state
        else:
            fits = state.coded.bits <= most_bits
            if best.coded.bits > most_bits or (fits and state.squared < best.squared):
                best = state
            slope *= LESS_SLOPE if fits else MORE_SLOPE
        after_pass()
        if damping > MOST_DAMPING:
            break
    return best.coded


def require_refinable(model: Any, codec: Any) -> None:
    """ValueError unless the files of this codec can be refined for this model."""
    if not isinstance(codec, JPEG):
        raise ValueError(
            "`effort` refines the coefficients of JPEG files. Received the codec "
            f"{getattr(codec, 'name', codec)}; take a .jpg target, or leave `effort` at 0."
        )
    if not isinstance(getattr(model, "postprocessor", model), (Postprocessor, type(None))):
        raise ValueError(
            "`effort` needs a model whose postprocessor is a `Postprocessor`, or None. Received "
            f"{type(model).__name__}; leave `effort` at 0."
        )


class _State(NamedTuple):
    indices: Planes
    coded: CodedBottleneck
    squared: float
    gradient: Planes  # of the squared error by the indices

    def cost(self, slope: float) -> float:
        return self.squared + slope * self.coded.bits


def _curvatures(
    jpeg: JpegPlanes, error: DistortionGradient, state: _State, random: np.random.Generator
) -> Planes:
    """For each plane and frequency, [8, 8], half the second derivative of the squared error by an index.

    The diagonal of JᵀJ, J the restored picture's derivative, by random signs s: E[s · JᵀJs].
    """
    signs = [random.choice([-1.0, 1.0], plane.shape) for plane in state.indices]
    decoded = state.coded.decoded.astype("float64")
    moved = decoded + jpeg.pixels([PROBE * sign for sign in signs])
    _, gradient = error(moved, error.restored(decoded))
    curvatures = [
        np.mean(sign * plane, axis=(0, 1)) / (2 * PROBE)
        for sign, plane in zip(signs, jpeg.by_indices(gradient), strict=True)
    ]
    return [np.maximum(plane, LEAST_CURVATURE * np.median(plane)) for plane in curvatures]


def _mean_over_coded(curvatures: Planes, indices: Planes) -> float:
    coded = [np.count_nonzero(plane, axis=(0, 1)) for plane in indices]
    total = sum(np.sum(count * plane) for count, plane in zip(coded, curvatures, strict=True))
    return float(total / max(np.sum(coded), 1))


def _changes(
    jpeg: JpegPlanes,
    state: _State,
    curvatures: Planes,
    damping: float,
    slope: float,
    random: np.random.Generator,
) -> Planes:
    """By −1, 0 or +1 for each index: what promises the least cost, for a random share of them."""
    bits: dict[int, np.ndarray] = {}
    for group in jpeg.sharing:
        own = bit_changes([state.indices[n] for n in group], [jpeg.scans[n] for n in group])
        bits |= dict(zip(group, own, strict=True))
    changes = []
    for number, (gradient, curvature) in enumerate(zip(state.gradient, curvatures, strict=True)):
        gains = np.stack(
            [
                step * gradient + damping * curvature + slope * cost
                for step, cost in zip(STEPS, bits[number], strict=True)
            ]
        )
        chosen = np.where(gains[0] < gains[1], *STEPS)
        made = (gains.min(axis=0) < 0) & (random.random(gradient.shape) < SHARE)
        changes.append(np.where(made, chosen, 0))
    return changes
