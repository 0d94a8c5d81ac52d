"""One picture through several systems at equal bits, to look at."""

import functools
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.evaluation.measured_pictures import measured_pictures, peak_for
from keras_sandwich.evaluation.quality import PSNR, Measure, measures
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.strengths import UnreachableTarget, largest_within, smallest_reaching
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.inference.transport import decode, for_channels, sample_bits


@dataclass(frozen=True, eq=False)
class Comparison:
    """A picture and what systems made of it, each with its bits per pixel: one row of a report.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    original = np.random.default_rng(0).integers(0, 246, (32, 48, 3))
    comparison = ks.evaluation.Comparison("noise", original, {"brighter": (original + 10, 0.5)})
    assert abs(comparison.psnr("brighter") - 20 * np.log10(25.5)) < 1e-6
    ```

    Args:
        name: of the picture.
        original: [height, width, channels] in [0, peak].
        versions: label → (picture, bits per pixel); the first is the system that the others are compared with.
        bottleneck: what the first one's file carries, [height, width, channels] in [0, 255], if it is to be shown.
        peak: the largest value: 255, or 255·2^k for 8 + k bits.
        metrics: by which the versions are judged, as `rd_curve` takes them.

    Raises:
        ValueError: pictures of another shape than the original, or what `rd_curve` refuses as metrics.
    """

    name: str
    original: np.ndarray = field(repr=False)
    versions: Mapping[str, tuple[np.ndarray, float]] = field(repr=False)
    bottleneck: np.ndarray | None = field(default=None, repr=False)
    peak: float = 255.0
    metrics: Any = field(default=("psnr-rgb",), repr=False)

    def __post_init__(self) -> None:
        shapes = {"original": np.shape(self.original)}
        shapes |= {label: np.shape(picture) for label, (picture, _) in self.versions.items()}
        if len(shapes["original"]) != 3 or len(set(shapes.values())) > 1:
            raise ValueError(
                f"Expected pictures [height, width, channels] of one shape. Received {shapes}."
            )
        judged = tuple(measures(self.metrics, [np.asarray(self.original)]).values())
        object.__setattr__(self, "metrics", judged)

    def psnr(self, label: str) -> float:
        """dB of a version, as it is given."""
        return self._value(PSNR, label)

    def qualities(self, label: str) -> dict[Measure, float]:
        """The value of every metric for a version, as it is given."""
        return {measure: self._value(measure, label) for measure in self.metrics}

    def _value(self, measure: Measure, label: str) -> float:
        target, restored = (
            np.asarray(x, "float32") for x in (self.original, self.versions[label][0])
        )
        return measure(target, restored, self.peak)


def compare_at(
    systems: Mapping[str, Any],
    picture: Any,
    codec: Any,
    bits_per_pixel: float,
    name: str | None = None,
    tile_size: int | None = 1024,
    metrics: Any = ("psnr-rgb",),
) -> Comparison:
    """Sends a picture through systems at equal bits, of the whole files.

    The first system gets the largest file that is not above `bits_per_pixel`; each other system the smallest file that
    is not below the first one's, so that no gain is due to more bits. The codec's `strengths` are searched. A warning
    says which system cannot spend as many bits; it is shown with its largest file.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    picture = ks.datasets.sample_images("test")[0]
    systems = {
        "linear baseline": ks.models.create_linear_baseline(bottleneck_channels=1),
        "luma only (4:0:0)": ks.evaluation.CodecAlone(luma_only=True),
    }
    comparison = ks.evaluation.compare_at(systems, picture, ks.codecs.JPEG(), 0.8)
    (_, rate), (_, other) = comparison.versions.values()
    assert rate <= 0.8 and other >= rate
    assert comparison.psnr("linear baseline") > comparison.psnr("luma only (4:0:0)")
    ```

    Args:
        systems: label → a `CompressIntraModel`, a baseline, or any object with `preprocess` and `postprocess`.
        picture: [height, width, channels] in [0, 255·2^k]; a picture file, read as R, G and B of 8 bits; or {name:
            picture} of one.
        codec: a codec of `keras_sandwich.codecs` for all systems, or a dict of codecs by label. Of a list of codecs,
            such as `codecs.every_subsampling(codec)`, a system gets the one with which the first metric is best.
        bits_per_pixel: the rate, per pixel of the picture.
        name: of the picture; by default the file's or the dict's, or "picture".
        tile_size: pictures larger than this go through the networks in tiles; None: whole.
        metrics: by which the versions are judged, as `rd_curve` takes them.

    Returns:
        A `Comparison`, with the bottleneck that the first system's file carries.

    Raises:
        ValueError: no systems, a picture of another rank or beyond 255·2^k, an empty list of codecs, a codec that does
            not say its `strengths`, a rate below that of the first system's smallest file, or systems for pictures of
            different bit depths.
    """
    if not systems:
        raise ValueError(f"Expected at least one system. Received {len(systems)} system(s).")
    found, picture = _one_picture(next(iter(systems.values())), picture)
    name = name or found or "picture"
    measure = next(iter(measures(metrics, [picture]).values()))
    depths = {getattr(system, "num_truncate_bits", 0) for system in systems.values()}
    if len(depths) > 1:
        raise ValueError(
            f"Expected systems for pictures of one bit depth. Received {sorted(depths)} bits above 8."
        )
    peak = peak_for(next(iter(systems.values())), [picture])
    size = (picture.shape[0], picture.shape[1])
    target = np.clip(np.round(picture), 0, peak)
    pixels = size[0] * size[1]
    asked = bits_per_pixel * pixels / 8  # bytes
    versions: dict[str, tuple[np.ndarray, float]] = {}
    first: _File | None = None
    for label, system in systems.items():
        chosen = codec[label] if isinstance(codec, Mapping) else codec
        choices = list(chosen) if isinstance(chosen, Sequence) else [chosen]
        if not choices:
            raise ValueError(f"Expected at least one codec for '{label}'. Received an empty list.")

        @functools.cache  # the same for all codecs, and all strengths, where the networks are told no step
        def bottleneck(qstep: float | None, system: Any = system) -> np.ndarray:
            return preprocess_picture(system, picture, tile_size, qstep)

        least = None if first is None else first.bytes
        files = [_nearest_file(system, choice, bottleneck, asked, least) for choice in choices]
        nearest = (min if least is None else max)(files, key=lambda file: file.bytes)
        files = [file for file in files if file.fits] or [nearest]
        if least is None and not nearest.fits:
            raise ValueError(
                f"The first system's files have at least {8.0 * nearest.bytes / pixels:.3f} bits per "
                f"pixel. Received bits_per_pixel={bits_per_pixel}; pass more."
            )
        shown = [
            np.clip(
                np.round(postprocess_picture(system, file.decoded, size, tile_size, file.qstep)),
                0,
                peak,
            )
            for file in files
        ]
        best = int(np.argmax([measure.sign * measure(target, x, peak) for x in shown]))
        file = files[best]
        first = first or file
        versions[label] = (shown[best], 8.0 * file.bytes / pixels)
        if not file.fits:
            warnings.warn(
                f"'{label}' has at most {8.0 * file.bytes / pixels:.3f} bits per pixel, fewer than the "
                f"{8.0 * first.bytes / pixels:.3f} of '{next(iter(systems))}'; pass a lower "
                "`bits_per_pixel` or a codec of lower strengths.",
                stacklevel=2,
            )
    carried = None if first is None else first.decoded
    return Comparison(name, target, versions, carried, peak, metrics)


def _one_picture(system: Any, picture: Any) -> tuple[str, np.ndarray]:
    """Its name, where it has one, and its pixels."""
    if not isinstance(picture, Mapping | str | os.PathLike):
        picture = np.asarray(picture, "float32")
        if picture.ndim != 3:
            raise ValueError(
                f"Expected a picture [height, width, channels]. Received shape {picture.shape}."
            )
        return "", picture
    names, pictures, _ = measured_pictures(system, picture)
    if len(pictures) > 1:
        raise ValueError(
            f"Expected one picture. Received {len(pictures)}; make a comparison for each."
        )
    return (names or [""])[0], pictures[0]


@dataclass(frozen=True, eq=False)
class _File:
    """A file: its size, what it decodes to on the scale of eight bits."""

    bytes: int
    decoded: np.ndarray
    fits: bool  # whether it has the bits that were asked for
    qstep: float | None  # that the networks are told


def _nearest_file(
    system: Any,
    codec: Any,
    bottleneck: Callable[[float | None], np.ndarray],
    most: float,
    least: int | None,
) -> _File:
    """The largest file of at most so many bytes; or the smallest of at least so many, if `least` is given."""
    bits = sample_bits(codec)
    strengths: Sequence[float] = tuple(getattr(codec, "strengths", ()))
    if not strengths:
        raise ValueError(
            "Expected a codec that lists the `strengths` to search. "
            f"Received {getattr(codec, 'name', codec)!r}, which lists none."
        )

    def setting(index: int) -> tuple[Any, np.ndarray, float | None]:
        """The codec, what it is given, and the step that the networks are told."""
        chosen = codec.with_strength(strengths[index])
        qstep = qstep_for(system, chosen)
        samples = to_samples(bottleneck(qstep), bits)
        return for_channels(chosen, samples.shape[-1]), samples, qstep

    @functools.cache
    def file(index: int) -> bytes:
        coder, samples, _ = setting(index)
        return bytes(coder.encode(samples))

    count, fits = len(strengths), True

    def size(index: int) -> int:
        return len(file(index))

    if least is not None:
        index = smallest_reaching(size, count, least)
        fits = size(index) >= least
    else:
        try:
            # A rate that was computed from a file's size is that file's, however it was rounded.
            index = largest_within(size, count, most * (1 + 1e-9))
        except UnreachableTarget:
            index, fits = count - 1, False
    coder, samples, qstep = setting(index)
    decoded = decode(file(index), coder, samples.shape)
    return _File(size(index), from_samples(decoded, bits), fits, qstep)
