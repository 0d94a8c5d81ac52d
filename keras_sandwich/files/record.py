"""The record in a folder of results: the arguments that they were written with, and so which need not be made anew."""

import json
from pathlib import Path
from typing import Any

from keras_sandwich._whole_files import write_whole

RECORD = ".keras-sandwich.json"


class Record:
    """The arguments of a run, noted in the folder that it writes to, unless it is they that are noted there.

    Args:
        folder: of the results; made if it is not there.
        arguments: everything that decides what the results are.
    """

    def __init__(self, folder: Path, arguments: dict[str, Any]) -> None:
        self._file = folder / RECORD
        self._text = json.dumps(arguments, default=str, sort_keys=True, indent=1) + "\n"
        folder.mkdir(parents=True, exist_ok=True)
        if not self._stands():
            write_whole(self._file, self._text)
        self._since = self._file.stat().st_mtime_ns

    def is_done(self, source: Path, result: Path) -> bool:
        """Whether the result is newer than the record and than its source."""
        try:
            written, about = result.stat().st_mtime_ns, source.stat()
        except OSError:
            return False
        # What is copied or moved into a source's place keeps an older mtime, and has a ctime of its own.
        return written > max(self._since, about.st_mtime_ns, about.st_ctime_ns)

    def require_alone(self) -> None:
        """ValueError once a run with other arguments writes to the folder too; the next run then does all anew."""
        if self._stands():
            return
        self._file.unlink(missing_ok=True)
        raise ValueError(
            "Another run, with other arguments, writes to the same folder, whose files may be of either. "
            f"Received target={str(self._file.parent)!r}; run one of them again, alone, which writes every file anew."
        )

    def _stands(self) -> bool:
        try:
            return self._file.read_text(encoding="utf-8") == self._text
        except (OSError, ValueError):
            return False
