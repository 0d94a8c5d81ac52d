"""Where the result of a file goes, and what became of a folder."""

import sys
from pathlib import Path

from keras_sandwich.files import FolderReport

SAME_FORMAT = {"jpeg": "jpg", "heif": "heic", "tiff": "tif"}


def target_of(source: Path, target: Path, suffix: str | None, default: str) -> Path:
    """The file to write for a file: the target, or one in it where it is a folder."""
    if target.is_dir():
        return target / source.with_suffix(f".{suffix or default}").name
    named = target.suffix.lower().lstrip(".")
    if suffix is not None and SAME_FORMAT.get(named, named) != SAME_FORMAT.get(suffix, suffix):
        raise ValueError(
            f"--format is for folders; a file's own name says its format. Received --format {suffix} "
            f"and {str(target)!r}; leave --format out, or name the file otherwise."
        )
    return target


def print_report(report: FolderReport) -> int:
    """Says what was written and what failed; the exit code."""
    count = len(report.written) + len(report.kept) + len(report.failed)
    kept = f", {len(report.kept)} were there" if report.kept else ""
    print(f"{len(report.written)} of {count} files written{kept}.")
    for failure in report.failed.values():
        print(f"keras-sandwich: failed: {failure}", file=sys.stderr)
    return 1 if report.failed else 0
