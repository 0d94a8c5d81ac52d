"""`web`: a static page that restores coded files in the browser."""

import argparse

from keras_sandwich.web import write_site


def run(options: argparse.Namespace) -> int:
    """The command `web`."""
    samples = None
    if options.samples is not None:
        samples = {path.name: path.read_bytes() for path in options.samples}
    page = write_site(
        options.model,
        options.target,
        runtime=options.runtime,
        precision=options.precision,
        samples=samples,
    )
    print(f"{page}: serve the folder with any web server, such as")
    print(f"python -m http.server --directory {options.target}")
    return 0
