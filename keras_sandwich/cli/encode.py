"""`encode`: pictures to image files that a sandwich restores."""

import argparse
from typing import Any

from keras_sandwich._arguments import require_option
from keras_sandwich.cli.jobs import print_report, target_of
from keras_sandwich.files import encode_file, encode_folder
from keras_sandwich.files.container import CODED_SUFFIXES


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
    if options.source.is_dir():
        suffix = f".{options.format or 'jpg'}"
        return print_report(
            encode_folder(options.source, options.target, options.model, suffix=suffix, **how)
        )
    target = target_of(options.source, options.target, options.format, "jpg")
    shown = int(options.effort > 0)
    info = encode_file(options.source, target, options.model, verbose=shown, **how)
    print(f"{target}: {info.file_size} bytes, {info.bits_per_pixel:.3f} bits per pixel")
    return 0
