"""A video to an ordinary MP4 file from which the sandwich restores it, frame by frame."""

import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sandwich import codecs
from keras_sandwich._optional import progress_bar
from keras_sandwich._whole_files import replace_whole
from keras_sandwich.codecs.clip_planes import from_planes
from keras_sandwich.codecs.samples import to_samples
from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.codecs.video_reader import Frame, Sound, VideoReader
from keras_sandwich.files.networks import Network
from keras_sandwich.files.payload import Payload, stated_settings
from keras_sandwich.files.video_payload import KEY, clip_digest, seal
from keras_sandwich.inference.equivalent_qstep import qstep_for, warn_of_untrained
from keras_sandwich.inference.strengths import UnreachableTarget, largest_within
from keras_sandwich.inference.tiling import preprocess_picture

VIDEO_SUFFIX = ".mp4"


class Written(NamedTuple):
    """A video file that was written.

    Attributes:
        path: of the file.
        payload: what it says of itself, not yet sealed.
        size: bytes of the file.
        pixels: of all its frames.
        seconds: that it lasts.
    """

    path: Path
    payload: Payload
    size: int
    pixels: int
    seconds: float


def encode_video(
    source: Path,
    target: Path,
    network: Network,
    codec: VideoCodec,
    goals: dict[str, float | None],
    tile_size: int | None,
    verbose: int,
) -> None:
    """`encode_file` of a video; `goals` names one size."""
    with tempfile.TemporaryDirectory(prefix="keras-sandwich-") as folder:

        def write(setting: VideoCodec) -> Written:
            place = Path(folder, f"{setting.strength:g}{VIDEO_SUFFIX}")
            return _write(source, place, network, setting, tile_size, verbose)

        ((goal, limit),) = ((name, value) for name, value in goals.items() if value is not None)
        written = (
            write(codec.with_strength(limit))
            if goal == "strength"
            else _search(codec, write, goal, limit)
        )
        warn_of_untrained(network.model, written.payload.qstep, stacklevel=4)
        with open(written.path, "rb") as file, VideoReader(file) as reader:
            digest = clip_digest(reader)
        seal(written.path, written.payload, digest)
        with replace_whole(target) as beside:
            shutil.copyfile(written.path, beside)


def require_for_video(network: Network, codec: Any, effort: int, background: Any) -> VideoCodec:
    """The codec of a video, given or H.264; ValueError for what videos do not have."""
    codec = default_video_codec(network) if codec is None else codec
    if not isinstance(codec, VideoCodec):
        raise ValueError(
            f"An {VIDEO_SUFFIX} file is written by a codec for videos: X264, X265, SVTAV1 or VP9. Received {codec!r}."
        )
    for name, value, none in (("effort", effort, 0), ("background", background, None)):
        if value != none:
            raise ValueError(
                f"`{name}` is for pictures. Received {name}={value!r} for a video; leave it out."
            )
    return codec


def default_video_codec(network: Network) -> VideoCodec:
    """H.264 as every player takes it, but for chroma of full size where the model's proxy carried it so."""
    full = network.bottleneck_channels == 3 and network.chroma_subsampling == "4:4:4"
    return codecs.X264(chroma_subsampling="4:4:4" if full else "4:2:0", monochrome=False)


def _search(codec: VideoCodec, write: Any, goal: str, limit: float) -> Written:
    """The largest file within the limit. Each strength that is tried takes as long as one file."""
    strengths = codec.strengths
    tried = functools.cache(lambda index: write(codec.with_strength(strengths[index])))
    measure: Callable[[Written], float] = {
        "bits_per_pixel": lambda file: 8 * file.size / file.pixels,
        "target_size": lambda file: file.size,
        "target_bitrate": lambda file: 8 * _coded_bytes(file.path) / file.seconds,
    }[goal]
    try:
        index = largest_within(lambda n: measure(tried(n)), len(strengths), limit, neighbours=0)
    except UnreachableTarget as unreachable:
        raise ValueError(
            f"{codec.name} cannot write this video with `{goal}` {limit:g}. It reaches {unreachable.smallest:.4g} to "
            f"{unreachable.largest:.4g}."
        ) from unreachable
    return tried(index)


def _coded_bytes(path: Path) -> int:
    """The bytes of a file that are the video's own."""
    with open(path, "rb") as file, VideoReader(file) as reader:
        return reader.count_coded()


def _write(
    source: Path,
    path: Path,
    network: Network,
    codec: VideoCodec,
    tile_size: int | None,
    verbose: int,
) -> Written:
    """One file, of one strength, not sealed."""
    qstep = qstep_for(network.model, codec)
    with open(source, "rb") as given, VideoReader(given) as reader, open(path, "wb") as file:
        payload = Payload(
            network=network.fingerprint,
            output_size=reader.size,
            settings=stated_settings(codec),
            library=codec.version,
            preset=network.preset,
            qstep=qstep,
        )
        height, width = network.coded_size(reader.size)
        first, parts = first_frame(reader)
        metadata = {KEY: payload.to_xmp(sealed=False).decode()}
        shown: list[int] = []
        with (
            codec.writer(
                file,
                (height, width),
                network.bottleneck_channels,
                reader.sound,
                metadata=metadata,
                **kept_of(reader, first),
            ) as writer,
            progress_bar(reader.frames, verbose, "frame") as bar,
        ):
            for part in parts:
                if isinstance(part, Sound):
                    writer.add_sound(*part)
                    continue
                picture = picture_of(reader, part, network.channels, network.num_truncate_bits)
                bottleneck = preprocess_picture(network.model, picture, tile_size, qstep)
                writer.add(codec.planes(to_samples(bottleneck, codec.bits)), part.time)
                shown.append(part.time)
                bar.update()
    seconds = (max(shown) - min(shown)) * reader.time_base + 1 / reader.rate
    pixels = reader.size[0] * reader.size[1] * len(shown)
    return Written(path, payload, path.stat().st_size, pixels, float(seconds))


def first_frame(reader: VideoReader) -> tuple[Frame, Iterator[Frame | Sound]]:
    """The first frame, and all parts, those before it among them."""
    parts = iter(reader)
    before: list[Frame | Sound] = []
    for part in parts:
        before.append(part)
        if isinstance(part, Frame):
            return part, _chained(before, parts)
    raise ValueError("Expected a video. Received a file without a frame.")


def kept_of(reader: VideoReader, first: Frame) -> dict[str, Any]:
    """What another video keeps of one: arguments of `VideoFormat`."""
    return {
        "rate": reader.rate,
        "time_base": reader.time_base,
        "aspect": reader.aspect,
        "primaries": reader.primaries,
        "transfer": reader.transfer,
        "rotation": first.rotation,
    }


def _chained(
    before: list[Frame | Sound], parts: Iterator[Frame | Sound]
) -> Iterator[Frame | Sound]:
    while before:  # let go of each once it is given
        yield before.pop(0)
    yield from parts


def picture_of(reader: VideoReader, frame: Frame, channels: int, truncated: int) -> np.ndarray:
    """A frame as pictures are given to networks: [height, width, channels] in [0, 255·2^truncated]."""
    planes = frame.planes[:1] if channels == 1 and reader.matrix is not None else frame.planes
    picture = from_planes(planes, reader.bits, reader.matrix, reader.full_range)
    if channels == 1 and picture.shape[-1] == 3:
        raise ValueError(
            "Expected a grayscale video, or one of luma and chroma, for a model of one channel. Received R, G and B; "
            "convert it."
        )
    if channels == 3 and picture.shape[-1] == 1:
        picture = np.repeat(picture, 3, axis=-1)
    peak, wanted = 2.0**reader.bits - 1, 255.0 * 2.0**truncated
    return picture if peak == wanted else np.rint(picture * np.float32(wanted / peak))
