"""`export`: the networks of a sandwich as files of other runtimes."""

import argparse

from keras_sandwich.exporting import export_networks
from keras_sandwich.exporting.export import SIDES
from keras_sandwich.files.networks import load_network
from keras_sandwich.pictures import find_pictures, read_picture


def run(options: argparse.Namespace) -> int:
    """The command `export`."""
    network = load_network(options.model)
    pictures = None
    if options.pictures is not None:
        pictures = [
            read_picture(path, network.channels, network.num_truncate_bits).pixels
            for path in find_pictures(options.pictures)
        ]
    about = export_networks(
        network,
        options.target,
        options.format,
        precision=options.precision,
        networks=SIDES if options.network is None else (options.network,),
        qstep=options.qstep,
        size=None if options.size is None else tuple(options.size),
        pictures=pictures,
    )
    for side in about["networks"].values():
        lost = f", {side['decibels_lost']:+.3f} dB lost" if "decibels_lost" in side else ""
        print(f"{options.target / side['file']}: {side['bytes']} bytes{lost}")
    return 0
