"""A picture to an ordinary image file from which the sandwich restores it."""

import functools
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich import codecs
from keras_sandwich._arguments import check_integer
from keras_sandwich._optional import progress_bar
from keras_sandwich._whole_files import write_whole
from keras_sandwich.codecs.checks import MAX_PIXELS
from keras_sandwich.codecs.registry import coded_formats, listed
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.files.contents import content_of
from keras_sandwich.files.info import FileInfo, info_of, read_info
from keras_sandwich.files.networks import (
    MATERIAL_CHANNELS,
    NORMAL_MAP_CHANNELS,
    Network,
    load_network,
)
from keras_sandwich.files.payload import Payload, pixel_digest, seal, stated_settings
from keras_sandwich.files.sources import read_source
from keras_sandwich.files.targets import require_one_goal, require_target
from keras_sandwich.files.video_encoding import VIDEO_SUFFIX, encode_video, require_for_video
from keras_sandwich.inference.equivalent_qstep import qstep_for, warn_of_untrained
from keras_sandwich.inference.strengths import UnreachableTarget, largest_within
from keras_sandwich.inference.tiling import (
    postprocess_picture,
    preprocess_picture,
    require_tile_size,
)
from keras_sandwich.inference.transport import CodedBottleneck, decode
from keras_sandwich.ops.quality_layers import LEAST_QSTEP
from keras_sandwich.refinement.refine import MOST_EFFORT, refine_jpeg, require_refinable

MAX_PACKED_PROFILE = 40_000  # with which the metadata still fit into a segment of JPEG
HEADROOM = 1.08  # of a file that is yet to be refined, over what it may have


def encode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    model: Any,
    *,
    bits_per_pixel: float | None = None,
    strength: float | None = None,
    target_size: int | None = None,
    target_bitrate: float | None = None,
    codec: codecs.Codec | VideoCodec | None = None,
    background: Any = None,
    keep_profile: bool = True,
    tile_size: int = 1024,
    effort: int = 0,
    convention: str = "opengl",
    verbose: int = 0,
) -> FileInfo:
    """Writes a picture as an ordinary JPEG, WebP, AVIF or HEIC file, or a video as an MP4, that a sandwich restores.

    Every viewer opens the file and shows the bottleneck. A small XMP segment says which network restores the picture,
    see `docs/files.md`. Exactly one of `bits_per_pixel`, `strength`, `target_size` and, for videos, `target_bitrate`
    says how large the file becomes; all its bytes count, those of the segment too.

    The file appears whole or not at all; one that is there is replaced.

    A video goes through the networks and the codec frame by frame, in memory that does not grow with its length; its
    sound, the times of its frames and what it says of their colours, shape and rotation are kept. A size is searched
    for, and each strength tried takes as long as one file, so `strength` is quickest.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.fromarray(ks.datasets.sample_images("test")[0]).save("picture.png")
    model = ks.models.create_linear_baseline(bottleneck_channels=1)
    info = ks.encode_file("picture.png", "coded.jpg", model, bits_per_pixel=0.8)
    assert info.bits_per_pixel <= 0.8 and Image.open("coded.jpg").mode == "L"
    ks.decode_file("coded.jpg", "restored.png", model)
    ```

    Args:
        source: a picture file; for a model of depth maps what `depth.load_depth` reads, whose holes are kept; for one
            of colours of 16 bits also radiance, .hdr and .exr, coded by its logarithm; or for an .mp4 target a video
            of any kind that FFmpeg reads. A picture's EXIF orientation is applied, every depth brought to the model's,
            CMYK and gray profiles to sRGB; what becomes of the ways to state colours, docs/files.md says.
        target: the file to write; its suffix chooses the codec.
        model: a `CompressIntraModel`, or the name or folder of a preset; or a `CompressVideoModel`.
        bits_per_pixel: write the largest file of at most so many bits per pixel of the source.
        strength: of the codec.
        target_size: write the largest file of at most so many bytes.
        target_bitrate: write the largest video of at most so many bits a second, sound and container not counted.
        codec: a codec of `keras_sandwich.codecs`; None is the suffix's, set as the model's proxy is. For .mp4 it is
            H.264, one channel with constant chroma, as every player takes it.
        background: a colour, as Pillow takes it, on which transparent pixels are laid; None refuses them.
        keep_profile: keep an ICC profile of RGB colours, for the restored picture.
        tile_size: the networks see so many pixels a side at a time.
        effort: passes of `refinement.refine_jpeg`, of JPEG files only: a better restored picture at as many bits, for
            seconds of each megapixel a pass; 16 bring most of it. Never worse than without, and as fast to decode.
        convention: of a normal map, for a network of two channels: "opengl", its green channel is up, or "directx", it
            is down; so it is restored, too. See `pictures.read_normal_map`.
        verbose: 1 shows a progress bar, of the passes or of a video's frames.

    Returns:
        A `FileInfo` of the file.

    Raises:
        OSError: a file that cannot be read or written.
        ValueError: a picture or video that cannot be coded, a target size that cannot be reached (the message says what
            can), a codec that does not fit the target or the model.
        ImportError: a library that is needed is not installed.
    """
    path = require_target(target, source)
    network = load_network(model)
    if network.channels == MATERIAL_CHANNELS:
        raise ValueError(
            "A material becomes several files. Received a network for materials; use `files.encode_material`."
        )
    goals = {"bits_per_pixel": bits_per_pixel, "strength": strength, "target_size": target_size}
    if path.suffix.lower() == VIDEO_SUFFIX:
        goals["target_bitrate"] = target_bitrate
        require_one_goal(**goals)
        codec = require_for_video(network, codec, effort, background)
        encode_video(
            Path(source), path, network, codec, goals, require_tile_size(tile_size), verbose
        )
        return read_info(path)
    if target_bitrate is not None:
        raise ValueError(
            f"`target_bitrate` is for videos, {VIDEO_SUFFIX} targets. Received target={str(target)!r}; give "
            "`bits_per_pixel` or `target_size`."
        )
    codec = codec_for_target(path, network, codec)
    require_effort(effort, network, codec)
    require_one_goal(**goals)
    if network.for_depth:
        require_layers(codec)
    picture, values = read_source(Path(source), network, background, convention)
    height, width, _ = picture.pixels.shape
    _require_size(path, network, (height, width), codec.max_side)
    profile = picture.profile if keep_profile else None
    packed = profile if network.bottleneck_channels == 1 and network.channels == 3 else None
    if packed is not None and len(packed) > MAX_PACKED_PROFILE:
        raise ValueError(
            f"The picture's ICC profile has {len(packed)} bytes, and a gray file keeps at most "
            f"{MAX_PACKED_PROFILE}. Pass keep_profile=False, or convert the picture to sRGB."
        )

    @functools.lru_cache(2)  # the same for all strengths, or the last one tried and the one chosen
    def samples(qstep: float | None) -> np.ndarray:
        bottleneck = preprocess_picture(network.model, picture.pixels, tile_size, qstep)
        return to_samples(bottleneck, codec.bits)

    unsealed = Payload(
        network=network.fingerprint,
        output_size=(height, width),
        settings={},
        library=codec.version,
        preset=network.preset,
        holds=content_of(network, convention),
        # A gray file whose profile is one for RGB is refused or misread by viewers.
        profile=packed,
        values=values,
    )
    within = profile if packed is None else None

    def payload_at(setting: codecs.Codec) -> Payload:
        qstep = qstep_for(network.model, setting)
        return replace(unsealed, settings=stated_settings(setting), qstep=qstep)

    def encode(setting: codecs.Codec) -> bytes:
        payload = payload_at(setting)
        xmp = payload.to_xmp(sealed=False)
        return setting.encode(samples(payload.qstep), xmp=xmp, icc_profile=within)

    def refined(setting: Any, file: bytes, most_bits: int | None) -> bytes:
        payload = payload_at(setting)
        given = samples(payload.qstep)
        with progress_bar(effort, verbose, "pass") as bar:
            return refine_jpeg(
                network.model,
                picture.pixels,
                given,
                setting,
                effort,
                plain=CodedBottleneck(file, decode(file, setting, given.shape)),
                most_bits=most_bits,
                write=lambda planes: setting.encode_planes(
                    planes, xmp=payload.to_xmp(sealed=False), icc_profile=within
                ),
                qstep=payload.qstep,
                tile_size=tile_size,
                after_pass=bar.update,
            ).data

    def squared_error(setting: codecs.Codec, file: bytes) -> float:
        decoded = from_samples(setting.decode(file), setting.bits)
        qstep = payload_at(setting).qstep
        restored = postprocess_picture(network.model, decoded, (height, width), tile_size, qstep)
        restored = np.clip(np.round(restored), 0, 255 * 2**network.num_truncate_bits)
        return float(np.sum((restored - picture.pixels) ** 2, dtype="float64"))

    strengths = codec.strengths
    if network.for_depth:
        strengths = tuple(qstep for qstep in strengths if qstep >= LEAST_QSTEP)
    if strength is not None:
        setting = codec.with_strength(strength)
        if network.for_depth:
            require_layers(setting)
        file = encode(setting)
        if effort:
            file = refined(setting, file, None)
    else:
        pixels = height * width
        limit = int(pixels * bits_per_pixel / 8) if bits_per_pixel is not None else target_size
        assert limit is not None
        setting, file = search_strength(codec, strengths, encode, limit, pixels)
        if effort:
            # Refinement makes files smaller, so it begins with one that is too large.
            finer, larger = search_strength(codec, strengths, encode, int(HEADROOM * limit), pixels)
            smaller = refined(finer, larger, 8 * limit)
            if len(smaller) <= limit and squared_error(finer, smaller) < squared_error(
                setting, file
            ):
                setting, file = finer, smaller
    payload = payload_at(setting)
    warn_of_untrained(network.model, payload.qstep)
    file = seal(file, payload, pixel_digest(setting.decode(file)))
    write_whole(path, file)
    return info_of(file)


def require_effort(effort: int, network: Network, codec: codecs.Codec) -> None:
    """ValueError for an effort out of its range, or one that this network and codec cannot make."""
    if check_integer(effort, "effort", 0, MOST_EFFORT):
        if network.channels == NORMAL_MAP_CHANNELS:
            raise ValueError(
                f"`effort` refines what pictures look like. Received effort={effort} for a normal map."
            )
        require_refinable(network.model, codec)


def require_layers(codec: Any) -> None:
    """ValueError for a codec that does not carry the two layers of a depth map, see `ops.quality_layers`."""
    carries = (
        isinstance(codec, codecs.JPEG)
        and codec.qstep is not None
        and codec.qstep >= LEAST_QSTEP
        and codec.chroma_subsampling == "4:4:4"
        and codec.color_transform
    )
    if not carries:
        raise ValueError(
            "A depth map lies on the quantizer's steps, so the codec must be JPEG 4:4:4 of a flat step of at least "
            f"{LEAST_QSTEP:g}: codecs.JPEG(qstep={LEAST_QSTEP:g}) or coarser. Received {codec!r}."
        )


def codec_for_target(path: Path, network: Network, codec: Any = None) -> codecs.Codec:
    """The codec given, if it fits the target, or the suffix's."""
    suffix = path.suffix.lower()
    codec = default_codec(suffix, network) if codec is None else codec
    if not codec.carries_metadata:
        raise ValueError(
            f"The file must carry metadata, as {listed([f.name for f in coded_formats()], 'and')} files do. "
            f"Received target={str(path)!r} and the codec {codec.name}."
        )
    if suffix not in codec.suffixes:
        raise ValueError(
            f"{codec.name} files end in {' or '.join(codec.suffixes)}. "
            f"Received target={str(path)!r}; rename it, or choose another codec."
        )
    return codec


def default_codec(suffix: str, network: Network) -> codecs.Codec:
    """The suffix's codec, made to carry what the model's proxy carried in training."""
    codec = codecs.codec_for(suffix)()
    if not network.color_transform and hasattr(codec, "color_transform"):
        return replace(codec, color_transform=False, chroma_subsampling="4:4:4")  # type: ignore[type-var]
    chroma = network.chroma_subsampling
    if network.bottleneck_channels == 3 and chroma and hasattr(codec, "chroma_subsampling"):
        return replace(codec, chroma_subsampling=chroma)  # type: ignore[type-var]
    return codec


def _require_size(path: Path, network: Network, size: tuple[int, int], most: int | None) -> None:
    coded = network.coded_size(size)
    if min(coded) < 1:
        raise ValueError(
            f"The picture is too small for a network that codes 1/{network.downsample_factor} of its "
            f"height and width. Received {size[1]}×{size[0]} pixels."
        )
    if size[0] * size[1] > MAX_PIXELS:
        raise ValueError(
            f"At most {MAX_PIXELS} pixels are coded, since no larger picture would be restored. "
            f"Received {size[1]}×{size[0]}; cut the picture into parts."
        )
    if most is not None and max(coded) > most:
        raise ValueError(
            f"A {path.suffix} file holds at most {most} pixels a side. Received a picture coded as "
            f"{coded[1]}×{coded[0]}; write an .avif file, or cut the picture."
        )


def search_strength(
    codec: codecs.Codec, strengths: tuple[float, ...], encode: Any, limit: int, pixels: int
) -> tuple[Any, Any]:
    """The codec at the strength of the largest file, or files, within a limit of bytes, and what it writes.

    Args:
        codec: whose strength is set.
        strengths: that are tried.
        encode: a codec to a file's bytes, or to a list of several files'.
        limit: bytes of all of them.
        pixels: of the picture, for the words of an error.
    """
    if not strengths:
        raise ValueError(
            f"{codec.name} has no strengths to search over. Received {codec!r}; give a codec whose "
            "strength can be set."
        )
    file = functools.cache(lambda index: encode(codec.with_strength(strengths[index])))
    try:
        index = largest_within(lambda number: _size(file(number)), len(strengths), limit)
    except UnreachableTarget as unreachable:
        smallest, largest = int(unreachable.smallest), int(unreachable.largest)
        raise ValueError(
            f"{codec.name} cannot write this picture in {limit} bytes "
            f"({8 * limit / pixels:.3g} bits per pixel). It reaches {smallest} to {largest} bytes "
            f"({8 * smallest / pixels:.3g} to {8 * largest / pixels:.3g} bits per pixel)."
        ) from unreachable
    return codec.with_strength(strengths[index]), file(index)


def _size(files: bytes | list[bytes]) -> int:
    return len(files) if isinstance(files, bytes) else sum(map(len, files))
