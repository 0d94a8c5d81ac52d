"""`encode` and `decode`, of files and of folders."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from keras_sandwich.files import decode_file, encode_file, read_info
from keras_sandwich.files.networks import Network, bundled_preset, load_network
from keras_sandwich.pictures import find_pictures
from keras_sandwich.pictures.formats import PICTURE_SUFFIXES

SOURCES = PICTURE_SUFFIXES
SAME_FORMAT = {"jpeg": "jpg", "heif": "heic", "tiff": "tif"}
CODED = (".jpg", ".jpeg", ".webp", ".avif", ".heic", ".heif")


Job = tuple[Path, Path]


def encode(options: argparse.Namespace) -> int:
    """The command `encode`."""
    jobs = _jobs(options.source, options.target, options.format, "jpg", SOURCES)
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

    return _run(jobs, one, "encode")


def decode(options: argparse.Namespace) -> int:
    """The command `decode`."""
    jobs = _jobs(options.source, options.target, options.format, "png", CODED)
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

    return _run(jobs, one, "decode")


def _jobs(
    source: Path, target: Path, suffix: str | None, default: str, suffixes: tuple[str, ...]
) -> list[Job]:
    """The files to read and to write; for a folder the same folders below the target, which are made."""
    if not source.is_dir():
        if target.is_dir():
            return [(source, target / source.with_suffix(f".{suffix or default}").name)]
        named = target.suffix.lower().lstrip(".")
        if suffix is not None and SAME_FORMAT.get(named, named) != suffix:
            raise ValueError(
                f"--format is for folders; a file's own name says its format. Received --format {suffix} "
                f"and {str(target)!r}; leave --format out, or name the file otherwise."
            )
        return [(source, target)]
    if target.exists() and not target.is_dir():
        raise ValueError(
            f"The pictures of a folder are written to a folder. Received the file {str(target)!r}; "
            "name a folder, which need not be there yet."
        )
    if target.resolve().is_relative_to(source.resolve()):
        raise ValueError(
            f"The results would lie among the pictures. Received source={str(source)!r} and "
            f"target={str(target)!r}; write to a folder outside."
        )
    jobs = [
        (file, target / file.relative_to(source).with_suffix(f".{suffix or default}"))
        for file in find_pictures(source, suffixes)
    ]
    for folder in {result.parent for _, result in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
    return jobs


def _run(jobs: list[Job], one: Callable[[Path, Path], str], name: str) -> int:
    """Does every job; those that fail are listed at the end."""
    if len(jobs) == 1:
        print(one(*jobs[0]))
        return 0
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError(
            'The progress of a folder needs tqdm: pip install "keras-sandwich[codecs]".'
        ) from error
    failures: list[str] = []
    written: dict[Path, Path] = {}
    for source, target in tqdm(jobs, desc=name, unit="file"):
        try:
            if target in written:
                raise ValueError(
                    f"{str(source)!r} would be written to {str(target)!r}, as {str(written[target])!r} "
                    "was; rename one of them."
                )
            one(source, target)
            written[target] = source
        except Exception as error:  # one picture of a folder must not cost the others
            reason = str(error) or type(error).__name__
            failures.append(reason if str(source) in reason else f"{source}: {reason}")
    print(f"{len(written)} of {len(jobs)} files written.")
    for failure in failures:
        print(f"keras-sandwich: failed: {failure}", file=sys.stderr)
    return 1 if failures else 0
