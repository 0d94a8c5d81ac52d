"""`encode`: pictures to image files that a sandwich restores."""

import argparse
from pathlib import Path

from keras_sandwich._arguments import require_option
from keras_sandwich.cli.jobs import find_jobs, run_jobs
from keras_sandwich.files import encode_file
from keras_sandwich.files.container import CODED_SUFFIXES
from keras_sandwich.files.networks import load_network
from keras_sandwich.pictures.formats import PICTURE_SUFFIXES


def run(options: argparse.Namespace) -> int:
    """The command `encode`."""
    if options.format is not None:
        require_option(f".{options.format}", CODED_SUFFIXES, "--format")
    jobs = find_jobs(options.source, options.target, options.format, "jpg", PICTURE_SUFFIXES)
    model = load_network(options.model)

    def one(source: Path, target: Path) -> str:
        info = encode_file(
            source,
            target,
            model,
            bits_per_pixel=options.bits_per_pixel,
            strength=options.strength,
            target_size=options.target_size,
            background=options.background,
            keep_profile=not options.no_profile,
            tile_size=options.tile_size,
        )
        return f"{target}: {info.file_size} bytes, {info.bits_per_pixel:.3f} bits per pixel"

    return run_jobs(jobs, one, "encode")
