"""`encode`: pictures and videos to files that a sandwich restores."""

import argparse
import functools
from collections.abc import Callable
from typing import Any

from keras_sandwich import codecs
from keras_sandwich._arguments import require_option
from keras_sandwich.cli.jobs import print_report, target_of
from keras_sandwich.codecs.video_codec import VideoCodec
from keras_sandwich.files import encode_file, encode_folder
from keras_sandwich.files.container import CODED_SUFFIXES
from keras_sandwich.files.video_encoding import VIDEO_SUFFIX

VIDEO_CODECS: dict[str, Callable[[], VideoCodec]] = {
    "h264": functools.partial(codecs.X264, monochrome=False),
    "hevc": functools.partial(codecs.X265, monochrome=False),
    "av1": codecs.SVTAV1,
    "vp9": codecs.VP9,
}


def run(options: argparse.Namespace) -> int:
    """The command `encode`."""
    if options.format is not None:
        require_option(f".{options.format}", CODED_SUFFIXES, "--format")
    how: dict[str, Any] = {
        "bits_per_pixel": options.bits_per_pixel,
        "strength": options.strength,
        "target_size": options.target_size,
        "background": options.background,
        "keep_profile": not options.no_profile,
        "tile_size": options.tile_size,
        "effort": options.effort,
    }
    video = {"target_bitrate": options.target_bitrate, "codec": options.codec}
    if options.source.is_dir():
        wrong = [
            f"--{name.replace('_', '-')}" for name, value in video.items() if value is not None
        ]
        if wrong:
            raise ValueError(f"{' and '.join(wrong)} is for a video. Received a folder.")
        suffix = f".{options.format or 'jpg'}"
        return print_report(
            encode_folder(options.source, options.target, options.model, suffix=suffix, **how)
        )
    target = target_of(options.source, options.target, options.format, "jpg")
    if options.codec is not None:
        video["codec"] = VIDEO_CODECS[options.codec]()
    shown = int(options.effort > 0 or target.suffix.lower() == VIDEO_SUFFIX)
    info = encode_file(options.source, target, options.model, verbose=shown, **how, **video)
    length = f", {info.frames} frames" if info.seconds is not None else ""
    print(f"{target}: {info.file_size} bytes, {info.bits_per_pixel:.3f} bits per pixel{length}")
    return 0
