"""Rate-distortion curves, measured with the files of real codecs."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

import keras_sandwich
from keras_sandwich._optional import progress_bar
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.quality import measures
from keras_sandwich.inference.pictures import Pictures, require_range
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.inference.transport import code_at_each, for_channels, sample_bits


def rd_curve(
    system: Any,
    images: Any,
    codec: Any,
    strengths: Sequence[float],
    metrics: Sequence[str] = ("psnr-rgb",),
    name: str | None = None,
    picture_names: Sequence[str] = (),
    tile_size: int | None = 1024,
    verbose: int = 1,
) -> RDCurve:
    """Sends pictures through a real codec at several strengths.

    Every bit of the files counts. Each picture goes through the first network once; the codec then writes and reads its
    files at all strengths on all cores.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    images = np.tile(np.arange(64.0), (2, 64, 1))[..., None].repeat(3, axis=-1)
    curve = ks.evaluation.rd_curve(
        ks.evaluation.CodecAlone(),
        images,
        ks.codecs.JPEG(qstep=1),
        strengths=(2, 8, 32),
        metrics=("psnr-rgb", "ssim-rgb"),
        verbose=0,
    )
    assert (np.diff(curve.mean_bpp) < 0).all()
    assert (np.diff(curve.mean_quality("ssim-rgb")) <= 0).all()
    ```

    Args:
        system: a `CompressIntraModel`, a baseline, or any object with `preprocess(images)` and
            `postprocess(bottlenecks, output_size)`.
        images: pictures [number, height, width, channels] in [0, 255·2^k], a list of [height, width, channels] of any
            sizes, or a dict of such by the model's keys; of a system without keys, in the dict's order.
        codec: a codec of `keras_sandwich.codecs`, or any object with `name`, `version`, `with_strength`, `encode` and
            `decode`.
        strengths: which strengths to measure.
        metrics: some of "psnr-rgb" (all channels together, of RGB or not), "psnr-luma", "ssim-rgb" and "ms-ssim-rgb".
        name: what to call the curve; by default the system's name.
        picture_names: the pictures' names, for the record.
        tile_size: pictures larger than this go through the networks in tiles; None: whole.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        An `RDCurve`.

    Raises:
        ValueError: no pictures, pictures of another rank, of different numbers of channels or too small for a metric,
            or pixels that are not finite or outside [0, 255·2^k]; no strengths; a codec that decodes pictures of
            another shape.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    pictures = pictures_of(system, images)
    measured = measures(metrics, pictures)
    names = [str(picture) for picture in picture_names]
    if names and len(names) != len(pictures):
        raise ValueError(
            f"Expected as many `picture_names` as pictures, {len(pictures)}. Received {len(names)}."
        )
    strengths = _strengths(strengths)
    bits = sample_bits(codec)
    peak = peak_for(system, pictures)
    bpp = np.zeros((len(strengths), len(pictures)))
    quality = {metric: np.zeros_like(bpp) for metric in measured}
    record: dict[str, Any] = {}
    with progress_bar(len(strengths) * len(pictures), verbose, "file") as bar:
        for number, picture in enumerate(pictures):
            size = (picture.shape[0], picture.shape[1])
            target = np.clip(np.round(picture), 0, peak)
            samples = to_samples(preprocess_picture(system, picture, tile_size), bits)
            coder = for_channels(codec, samples.shape[-1])
            record = record or _record(coder)
            coders = [coder.with_strength(strength) for strength in strengths]
            for row, coded in enumerate(code_at_each(samples, coders)):
                bottleneck = from_samples(coded.decoded, bits)
                restored = postprocess_picture(system, bottleneck, size, tile_size)
                restored = np.clip(np.round(restored), 0, peak)
                bpp[row, number] = coded.bits / (size[0] * size[1])
                for metric, measure in measured.items():
                    quality[metric][row, number] = measure.function(target, restored, peak)
                bar.update()
    return RDCurve(
        name=name or str(getattr(system, "name", type(system).__name__)),
        strengths=strengths,
        bpp=bpp,
        quality=quality,
        **record,
        pictures=names,
        sizes=[(picture.shape[0], picture.shape[1]) for picture in pictures],
        packages=packages(),
    )


def peak_for(system: Any, pictures: Sequence[np.ndarray]) -> float:
    """The largest value of a system's pictures; ValueError for pictures out of its range, which would be clipped."""
    advice = ", or pass a system for pictures of more bits, such as CodecAlone(num_truncate_bits=…)"
    return require_range(pictures, getattr(system, "num_truncate_bits", 0), advice, stacklevel=4)


def _strengths(strengths: Any) -> list[float]:
    values = [float(strength) for strength in strengths] if np.iterable(strengths) else []
    if not values:
        raise ValueError(
            f"`strengths` must be a sequence of at least one number. Received {strengths!r}."
        )
    return values


def _record(coder: Any) -> dict[str, Any]:
    """Which codec it was, read before anything is measured with it."""
    return {
        "codec": str(coder.name),
        "version": str(coder.version),
        "settings": dict(getattr(coder, "settings", {})),
    }


def packages() -> dict[str, str]:
    """Versions of what measures: this package, Keras, its backend and NumPy."""
    versions = {"keras-sandwich": keras_sandwich.__version__, "keras": keras.__version__}
    for name in (keras.backend.backend(), "numpy"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # a backend built under another name
            versions[name] = "unknown"
    return versions


def pictures_of(system: Any, images: Any) -> list[np.ndarray]:
    """float32 [height, width, channels] each, finite, at least one; a dict's tensors side by side."""
    if isinstance(images, Mapping):
        keys = getattr(system, "model_keys", tuple(images))  # a baseline knows no names
        images = Pictures(images, keys or ("image",))
    pictures = [np.asarray(image, "float32") for image in images]
    for picture in pictures:
        if picture.ndim != 3:
            raise ValueError(
                "Expected pictures [height, width, channels]. Received one of shape "
                f"{picture.shape}; put a single picture into a list."
            )
    counts = sorted({picture.shape[-1] for picture in pictures})
    if len(counts) > 1:
        raise ValueError(
            f"Expected pictures of one number of channels. Received {counts}; make a curve for each."
        )
    if not pictures or not all(np.all(np.isfinite(picture)) for picture in pictures):
        raise ValueError(
            "Expected at least one picture, of finite pixels. "
            f"Received {len(pictures)} picture(s), "
            f"{sum(not np.all(np.isfinite(picture)) for picture in pictures)} of them not finite."
        )
    return pictures
