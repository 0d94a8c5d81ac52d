"""Files that are there whole or not at all, whatever interrupts their writing."""

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

# Of a name of up to 255 bytes, what the file beside ends in too: characters have up to four, and a suffix may be long.
KEPT = 48


def write_whole(path: str | os.PathLike[str], data: bytes | str) -> None:
    """Writes a file of these bytes, or of this text as UTF-8, as `replace_whole` does.

    Names of the file system in a text, which may be of no encoding (`os.fsdecode` makes lone surrogates of such bytes),
    are written as the bytes that they are.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    with replace_whole(path) as beside:
        beside.write_bytes(data)


@contextlib.contextmanager
def replace_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside the file's place, of a name that ends alike, for whoever writes it; moved there after the block.

    A file that is there keeps its mode, and is replaced behind its links. After an error, what was there is there
    still, and nothing else.

    Raises:
        ValueError: what is there is no regular file.
        OSError: it cannot be written.
    """
    place = Path(os.path.realpath(path))
    there = place.exists()
    require_replaceable(place)
    beside = place.with_name(f".{secrets.token_hex(6)}.part-{place.name[-KEPT:]}")
    try:
        yield beside
        with open(beside, "r+b") as file:
            os.fsync(file.fileno())  # or the name may outlive a loss of power, and the bytes not
        if there:
            shutil.copymode(place, beside)
        os.replace(beside, place)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise


def require_replaceable(path: Path) -> None:
    """ValueError for what is there and no regular file: a folder, a device, a pipe."""
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(
            "Expected a regular file, which can be replaced once the new one is whole, or none. "
            f"Received {str(path)!r}, a folder, device or pipe; write to another name."
        )
