"""Rate-distortion curves, measured with the files of real codecs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from keras import ops


@dataclass
class RDCurve:
    """Rates and qualities of pictures over the strengths of a codec.

    Attributes:
        name: what was measured.
        codec: the codec's name and the libraries that did the work.
        strengths: the codec's strengths, [strengths].
        bpp: whole-file bits per pixel of the output picture, [strengths, pictures].
        psnr: dB of each picture, rounded and clipped as a file holds it, [strengths, pictures].
    """

    name: str
    codec: str
    strengths: list[float]
    bpp: np.ndarray = field(repr=False)
    psnr: np.ndarray = field(repr=False)

    @property
    def mean_bpp(self) -> np.ndarray:
        """Bits per pixel at each strength, the mean over pictures."""
        return np.asarray(self.bpp.mean(axis=1))

    @property
    def mean_psnr(self) -> np.ndarray:
        """dB at each strength, the mean over pictures of each picture's dB."""
        return np.asarray(self.psnr.mean(axis=1))

    def psnr_at(self, bits_per_pixel: float) -> float:
        """dB at a rate, linear in the logarithm of the rate between measured points.

        Raises:
            ValueError: the curve does not reach that rate.
        """
        order = np.argsort(self.mean_bpp)
        rates, qualities = self.mean_bpp[order], self.mean_psnr[order]
        if not rates[0] <= bits_per_pixel <= rates[-1]:
            raise ValueError(
                f"The curve '{self.name}' runs from {rates[0]:.3f} to {rates[-1]:.3f} bits per pixel. "
                f"Received {bits_per_pixel}; measure more strengths."
            )
        return float(np.interp(np.log(bits_per_pixel), np.log(rates), qualities))

    def strength_at(self, bits_per_pixel: float, picture: int | None = None) -> float:
        """The measured strength whose rate is nearest, on average or for one picture."""
        rates = self.mean_bpp if picture is None else self.bpp[:, picture]
        return self.strengths[int(np.argmin(np.abs(np.log(rates / bits_per_pixel))))]


def rd_table(curves: Sequence[RDCurve], rates: Sequence[float]) -> str:
    """PSNR of curves at some rates as a table of text; the first curve's gains beside the others.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    psnr = np.array([[30.0], [27.0]])
    curve = ks.evaluation.RDCurve("codec", "JPEG", [4.0, 8.0], np.array([[1.0], [0.5]]), psnr)
    assert "30.00" in ks.evaluation.rd_table([curve], [1.0])
    ```

    Args:
        curves: results of `rd_curve`; the first is the one that the others are compared with.
        rates: bits per pixel.

    Returns:
        Lines of text. A rate that a curve does not reach is marked "–".
    """

    def quality(curve: RDCurve, rate: float) -> float:
        try:
            return curve.psnr_at(rate)
        except ValueError:
            return float("nan")

    width = max(len(curve.name) for curve in curves)
    lines = ["PSNR in dB at".ljust(width) + "".join(f"{f'{rate:g} bpp':>18}" for rate in rates)]
    for curve in curves:
        line = curve.name.ljust(width)
        for rate in rates:
            value, best = quality(curve, rate), quality(curves[0], rate)
            text = "–" if np.isnan(value) else f"{value:.2f}"
            gain = "" if curve is curves[0] or np.isnan(best - value) else f"({best - value:+.2f})"
            line += f"{text:>9} {gain:>8}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def rd_curve(
    system: Any,
    images: Any,
    codec: Any,
    strengths: Sequence[float],
    name: str | None = None,
    verbose: int = 1,
) -> RDCurve:
    """Sends pictures through a real codec at several strengths.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    images = np.tile(np.arange(64.0), (2, 64, 1))[..., None].repeat(3, axis=-1)
    curve = ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(), images, ks.codecs.JPEG(qstep=1), (2, 8, 32), verbose=0
    )
    assert (np.diff(curve.mean_bpp) < 0).all()
    ```

    Args:
        system: a `CompressIntraModel`, a baseline, or any object with `preprocess(images)` and
            `postprocess(bottlenecks, output_size)`.
        images: pictures [number, height, width, channels] in [0, 255·2^k], a list of [height, width, channels], or a
            dict of arrays by the model's keys.
        codec: a codec of `keras_sandwich.codecs`.
        strengths: which strengths to measure.
        name: what to call the curve; by default the system's name.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        An `RDCurve`.

    Raises:
        ValueError: no pictures, pictures of another rank, or pixels that are not finite.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    if isinstance(images, Mapping):
        images = np.concatenate([images[key] for key in system.model_keys], axis=-1)
    pictures = [np.asarray(image, "float32") for image in images]
    for picture in pictures:
        if picture.ndim != 3:
            raise ValueError(
                "Expected pictures [height, width, channels]. Received one of shape "
                f"{picture.shape}; put a single picture into a list."
            )
    if not pictures or not all(np.all(np.isfinite(picture)) for picture in pictures):
        raise ValueError(
            "Expected at least one picture, of finite pixels. "
            f"Received {len(pictures)} picture(s), "
            f"{sum(not np.all(np.isfinite(picture)) for picture in pictures)} of them not finite."
        )
    peak = 255.0 * 2.0 ** getattr(system, "num_truncate_bits", 0)
    bpp = np.zeros((len(strengths), len(pictures)))
    psnr = np.zeros_like(bpp)
    for number, picture in enumerate(_with_progress(pictures, verbose)):
        height, width, _ = picture.shape
        target = np.clip(np.round(picture), 0, peak)
        bottleneck = ops.convert_to_numpy(system.preprocess(picture[None]))[0]
        bottleneck = np.clip(np.round(bottleneck), 0, 255).astype("uint8")
        for row, strength in enumerate(strengths):
            setting = codec.with_strength(strength)
            file = setting.encode(bottleneck)
            decoded = setting.decode(file)[None].astype("float32")
            restored = ops.convert_to_numpy(system.postprocess(decoded, (height, width)))[0]
            error = np.clip(np.round(restored), 0, peak) - target
            mse = max(float(np.mean(error.astype("float64") ** 2)), 1e-6)
            bpp[row, number] = 8.0 * len(file) / (height * width)
            psnr[row, number] = 10.0 * np.log10(peak**2 / mse)
    return RDCurve(
        name=name or str(getattr(system, "name", type(system).__name__)),
        codec=f"{codec.name} ({codec.version})",
        strengths=[float(strength) for strength in strengths],
        bpp=bpp,
        psnr=psnr,
    )


def _with_progress(pictures: Sequence[Any], verbose: int) -> Iterable[Any]:
    if not verbose:
        return pictures
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            'The progress bar needs tqdm: pip install "keras-sandwich[codecs]", or pass verbose=0.'
        ) from error
    return tqdm(pictures, unit="picture")
