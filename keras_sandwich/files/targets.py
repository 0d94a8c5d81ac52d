"""Files that may be written, checked before any work is done."""

import os
from pathlib import Path

from keras_sandwich._whole_files import require_replaceable


def require_target(
    target: str | os.PathLike[str], source: str | os.PathLike[str] | None = None
) -> Path:
    """The file that writing to `target` would make or replace, checked before any work is done.

    Raises:
        FileNotFoundError: there is no such folder.
        IsADirectoryError: it is a folder.
        ValueError: it is the source, or neither a file nor new.
    """
    path = Path(os.path.realpath(target))
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder to write to. Received target={str(target)!r}; make its folder first."
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"Expected a file to write. Received the folder target={str(target)!r}; add a file name."
        )
    require_replaceable(path)
    if source is None or not (path.exists() and os.path.exists(source)):
        return path
    if os.path.samefile(path, source):
        raise ValueError(
            "The source may not be its own target, since it would be lost. "
            f"Received {str(target)!r} for both; write to another name."
        )
    return path
