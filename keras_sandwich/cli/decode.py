"""`decode`: the pictures and videos of files that `encode` wrote."""

import argparse
from typing import Any

from keras_sandwich._arguments import require_option
from keras_sandwich.cli.jobs import print_report, target_of
from keras_sandwich.files import decode_file, decode_folder
from keras_sandwich.files.lossless import FORMATS


def run(options: argparse.Namespace) -> int:
    """The command `decode`."""
    if options.format is not None:
        require_option(f".{options.format}", tuple(FORMATS), "--format")
    how: dict[str, Any] = {
        "accept_altered": options.accept_altered,
        "tile_size": options.tile_size,
    }
    if options.source.is_dir():
        suffix = f".{options.format or 'png'}"
        return print_report(
            decode_folder(options.source, options.target, options.model, suffix=suffix, **how)
        )
    target = target_of(options.source, options.target, options.format, "png")
    decode_file(options.source, target, options.model, verbose=1, **how)
    print(target)
    return 0
