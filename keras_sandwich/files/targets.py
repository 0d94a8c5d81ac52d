"""Files that may be written, and how large, checked before any work is done."""

import os
from pathlib import Path

from keras_sandwich._arguments import check_positive
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


def require_one_goal(**goals: float | None) -> None:
    """ValueError unless exactly one of these is given, and it is a size."""
    given = {name: value for name, value in goals.items() if value is not None}
    if len(given) != 1:
        raise ValueError(
            f"Give exactly one of {', '.join(goals)}. Received {', '.join(given) or 'none'}."
        )
    ((name, value),) = given.items()
    check_positive(value, name)
    if name == "target_size" and value != int(value):
        raise ValueError(f"`target_size` is a whole number of bytes. Received {value}.")
