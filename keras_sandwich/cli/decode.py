"""`decode`: the pictures of files that `encode` wrote."""

import argparse
from pathlib import Path

from keras_sandwich._arguments import require_option
from keras_sandwich.cli.jobs import find_jobs, run_jobs
from keras_sandwich.files import decode_file, read_info
from keras_sandwich.files.container import CODED_SUFFIXES
from keras_sandwich.files.networks import Network, bundled_preset, load_network
from keras_sandwich.files.writing import FORMATS


def run(options: argparse.Namespace) -> int:
    """The command `decode`."""
    if options.format is not None:
        require_option(f".{options.format}", tuple(FORMATS), "--format")
    jobs = find_jobs(options.source, options.target, options.format, "png", CODED_SUFFIXES)
    networks: dict[str, Network] = {}

    def one(source: Path, target: Path) -> str:
        name = options.model or bundled_preset(read_info(source).network)
        if name is not None and name not in networks:
            networks[name] = load_network(name)
        decode_file(
            source,
            target,
            None if name is None else networks[name],
            accept_altered=options.accept_altered,
            tile_size=options.tile_size,
        )
        return str(target)

    return run_jobs(jobs, one, "decode")
