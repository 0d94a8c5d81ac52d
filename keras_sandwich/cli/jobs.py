"""Which files a command reads and writes, and every one of them done, whatever becomes of the others."""

import sys
from collections.abc import Callable
from pathlib import Path

from keras_sandwich._optional import import_library
from keras_sandwich.pictures import find_pictures

SAME_FORMAT = {"jpeg": "jpg", "heif": "heic", "tiff": "tif"}

Job = tuple[Path, Path]


def find_jobs(
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


def run_jobs(jobs: list[Job], one: Callable[[Path, Path], str], name: str) -> int:
    """Does every job; those that fail are listed at the end."""
    if len(jobs) == 1:
        print(one(*jobs[0]))
        return 0
    tqdm = import_library("tqdm", "The progress of a folder").tqdm
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
