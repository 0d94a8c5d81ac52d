"""Rate-distortion curves, measured with the files of real codecs."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_sandwich._optional import progress_bar
from keras_sandwich._version import __version__
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.evaluation.curve import RDCurve
from keras_sandwich.evaluation.measured_pictures import measured_clips, measured_pictures, peak_for
from keras_sandwich.evaluation.quality import measures
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.inference.transport import code_at_each, for_channels, sample_bits
from keras_sandwich.refinement import refine_jpeg

# Where nobody says which strengths to measure: how many, and from which to which share of the largest.
DEFAULT_COUNT, FINEST, COARSEST = 12, 0.02, 0.6
QUANTIZER_COUNT, QUANTIZERS = 7, (0.3, 0.85)
BITS_OF_PICTURES = "whole file"
BITS_OF_CLIPS = "packets and parameter sets, without the container"


def rd_curve(
    system: Any,
    images: Any,
    codec: Any,
    strengths: Sequence[float] | None = None,
    metrics: Any = ("psnr-rgb",),
    name: str | None = None,
    picture_names: Sequence[str] = (),
    tile_size: int | None = 1024,
    effort: int = 0,
    verbose: int = 1,
) -> RDCurve:
    """Sends pictures, or clips, through a real codec at several strengths.

    Every bit of the files counts; of a video codec's files those of the packets and the parameter sets, without the
    container's. A clip's quality is the mean of its frames' (of their decibels), which are kept. Each picture goes
    through the first network once, or once for each strength where the networks are told the quantizer step; the codec
    then writes and reads its files at all strengths on all cores.

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
        images: pictures [number, height, width, channels] in [0, 255·2^k]; a list of [height, width, channels] of any
            sizes; a folder, a picture file or a list of files, read as R, G and B of 8 bits; or a dict. A dict of
            single pictures [height, width, channels] holds them by their names, as `load_images` returns; one of
            batches or lists holds them by the model's keys, or, for a system without keys, in its order. With a video
            codec clips: the same with frames before the height, or video files, read by `load_video`; no keys.
        codec: a codec of `keras_sandwich.codecs`, or any object with `name`, `version`, `with_strength`, `encode` and
            `decode`.
        strengths: which strengths to measure; by default a dozen of the codec's own, `codec.strengths`, evenly in their
            logarithm from a fiftieth to six tenths of the largest; of a video codec seven quantizers, evenly.
        metrics: some of "psnr-rgb" (all channels together, of RGB or not), "psnr-luma", "ssim-rgb" and "ms-ssim-rgb";
            functions (target, restored, peak) to a number, each under its name; or `Measure`s.
        name: what to call the curve; by default the system's name.
        picture_names: the pictures' names, for the record; by default those that the dict or the files have.
        tile_size: pictures larger than this go through the networks in tiles; None: whole.
        effort: passes of `refinement.refine_jpeg` for each file, as `encode_file` makes them; for a `codecs.JPEG`.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        An `RDCurve`.

    Raises:
        ValueError: no pictures, pictures of another rank, of different numbers of channels or too small for a metric,
            or pixels that are not finite or outside [0, 255·2^k]; a dict that may be by names or by keys; no strengths;
            metrics whose names collide; a codec that decodes pictures of another shape.
        FileNotFoundError: there is no such folder.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    as_clips = isinstance(codec, VideoCodec)
    if as_clips and effort:
        raise ValueError("`effort` refines JPEG files. Received a video codec; leave it at 0.")
    if as_clips:
        names, pictures = measured_clips(system, images, picture_names)
    else:
        names, pictures, _ = measured_pictures(system, images, picture_names)
    measured = measures(metrics, [clip[0] for clip in pictures] if as_clips else pictures)
    strengths = default_strengths(codec) if strengths is None else _strengths(strengths)
    bits = sample_bits(codec)
    peak = peak_for(system, pictures)
    settings = [codec.with_strength(strength) for strength in strengths]
    qsteps = [qstep_for(system, setting) for setting in settings]
    bpp = np.zeros((len(strengths), len(pictures)))
    per_frame: dict[str, list[np.ndarray]] = {metric: [] for metric in measured}
    record: dict[str, Any] = {}
    with progress_bar(len(strengths) * len(pictures), verbose, "file") as bar:
        for number, picture in enumerate(pictures):
            frames = picture if as_clips else picture[None]
            size = (frames.shape[1], frames.shape[2])
            targets = np.clip(np.round(frames), 0, peak)
            samples = {
                qstep: np.stack(
                    [
                        to_samples(preprocess_picture(system, frame, tile_size, qstep), bits)
                        for frame in frames
                    ]
                )
                for qstep in dict.fromkeys(qsteps)
            }
            channels = samples[qsteps[0]].shape[-1]
            coders = [for_channels(setting, channels) for setting in settings]
            record = record or _record(for_channels(codec, channels), channels, effort)
            units = {qstep: each if as_clips else each[0] for qstep, each in samples.items()}
            files = code_at_each([units[qstep] for qstep in qsteps], coders)
            told = zip(files, coders, qsteps, strict=True)
            for values in per_frame.values():
                values.append(np.zeros((len(strengths), len(frames))))
            for row, (coded, coder, qstep) in enumerate(told):
                if effort:
                    coded = refine_jpeg(
                        system,
                        picture,
                        units[qstep],
                        coder,
                        effort,
                        plain=coded,
                        qstep=qstep,
                        tile_size=tile_size,
                    )
                bpp[row, number] = coded.bits / (len(frames) * size[0] * size[1])
                decoded = coded.decoded if as_clips else coded.decoded[None]
                for t, (frame, target) in enumerate(zip(decoded, targets, strict=True)):
                    bottleneck = from_samples(frame, bits)
                    restored = postprocess_picture(system, bottleneck, size, tile_size, qstep)
                    restored = np.clip(np.round(restored), 0, peak)
                    for metric, measure in measured.items():
                        per_frame[metric][-1][row, t] = measure(target, restored, peak)
                bar.update()
    return RDCurve(
        name=name or str(getattr(system, "name", type(system).__name__)),
        strengths=strengths,
        bpp=bpp,
        quality={
            metric: np.stack([values.mean(axis=1) for values in of_each], axis=1)
            for metric, of_each in per_frame.items()
        },
        measures=measured,
        **record,
        bits_counted=BITS_OF_CLIPS if as_clips else BITS_OF_PICTURES,
        per_frame=per_frame if as_clips else {},
        pictures=names,
        sizes=[(picture.shape[-3], picture.shape[-2]) for picture in pictures],
        packages=packages(),
    )


def _strengths(strengths: Any) -> list[float]:
    values = [float(strength) for strength in strengths] if np.iterable(strengths) else []
    if not values:
        raise ValueError(
            f"`strengths` must be a sequence of at least one number. Received {strengths!r}."
        )
    return values


def default_strengths(codec: Any) -> list[float]:
    """A dozen of the strengths that a codec lists, evenly in their logarithm, from fine to coarse; all of fewer."""
    listed = np.array(getattr(codec, "strengths", ()), "float64")
    if not listed.size:
        raise ValueError(
            f"Expected `strengths`, since the codec {getattr(codec, 'name', codec)!r} lists none of its own. "
            "Received none; pass some."
        )
    if len(listed) <= DEFAULT_COUNT:
        return [float(strength) for strength in listed]
    if isinstance(codec, VideoCodec):  # a quantizer counts the doublings of a step
        first, last = (share * listed.max() for share in QUANTIZERS)
        return [float(round(strength)) for strength in np.linspace(first, last, QUANTIZER_COUNT)]
    wanted = np.geomspace(FINEST * listed.max(), COARSEST * listed.max(), DEFAULT_COUNT)
    nearest = np.abs(np.log(listed[:, None] / wanted)).argmin(axis=0)
    return [float(listed[place]) for place in np.unique(nearest)]


def _record(coder: Any, channels: int, effort: int) -> dict[str, Any]:
    """Which codec it was, read before anything is measured with it."""
    settings = dict(getattr(coder, "settings", {}))
    return {
        "codec": codec_name(coder, channels),
        "version": str(coder.version),
        "settings": settings | ({"effort": effort} if effort else {}),
    }


def codec_name(codec: Any, channels: int) -> str:
    """The codec's name; of files of one channel, which have no chroma to subsample, "grayscale JPEG (4:0:0)"."""
    name = str(codec.name)
    if channels != 1 or not hasattr(codec, "chroma_subsampling"):
        return name
    coded = codec.chroma_subsampling if getattr(codec, "color_transform", True) else "RGB"
    kind, _, rest = name.partition(f" {coded}")
    # Of more bits some libraries write no 4:0:0 but flat chroma.
    return f"grayscale {kind}" + (rest or " (4:0:0)")


def packages() -> dict[str, str]:
    """Versions of what measures: this package, Keras, its backend and NumPy."""
    versions = {"keras-sandwich": __version__, "keras": keras.__version__}
    for name in (keras.backend.backend(), "numpy"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # a backend built under another name
            versions[name] = "unknown"
    return versions
