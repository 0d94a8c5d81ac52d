"""The picture files below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from keras_sandwich.pictures.formats import PICTURE_SUFFIXES, readable_suffixes

Identity = tuple[int, int]  # device and number of a folder in it


def find_pictures(
    folder: str | os.PathLike[str], suffixes: tuple[str, ...] = PICTURE_SUFFIXES
) -> list[Path]:
    """All picture files below a folder, sorted by their path, hidden ones left out; links to folders are followed.

    A picture of a format that cannot be read for want of a library is found too: its reader says what is missing. A
    link back to a folder that it lies in is not followed.

    Example:

    ```python
    import pathlib
    import keras_sandwich as ks
    from PIL import Image

    pathlib.Path("photographs/summer").mkdir(parents=True)
    Image.new("L", (48, 32), 200).save("photographs/summer/one.png")
    assert [file.name for file in ks.pictures.find_pictures("photographs")] == ["one.png"]
    ```

    Args:
        folder: where to look, in its subfolders too.
        suffixes: of the files, in small letters.

    Returns:
        A list of paths.

    Raises:
        FileNotFoundError: there is no such folder.
        NotADirectoryError: it is a file.
        PermissionError: a folder that cannot be read.
        ValueError: there is no such file.
    """
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(
            f"There is no such folder. Received path={str(folder)!r} (working folder: "
            f"{str(Path.cwd())!r}). Pass a folder that holds pictures."
        )
    if not folder.is_dir():
        raise NotADirectoryError(
            f"`path` must be a folder of pictures. Received the file: path={str(folder)!r}. "
            "Pass its folder, or a list of files."
        )
    pictures = sorted(_walk(folder, suffixes, ()), key=lambda file: file.relative_to(folder).parts)
    if not pictures:
        known = readable_suffixes() if suffixes == PICTURE_SUFFIXES else suffixes
        raise ValueError(
            f"The folder holds no pictures. Received path={str(folder)!r}. Files with these "
            f"suffixes are looked for, in its subfolders too: {', '.join(known)}."
        )
    return pictures


def _walk(folder: Path, suffixes: tuple[str, ...], above: tuple[Identity, ...]) -> Iterator[Path]:
    """The files of a folder and of those below it; a link back to one that it lies in is not followed."""
    about = os.stat(folder)
    here = (about.st_dev, about.st_ino)
    if here in above:
        return
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise PermissionError(
            f"The folder {str(folder)!r} cannot be read: {error.strerror}. "
            "Allow reading it, or pass another folder."
        ) from error
    for entry in found:
        if entry.is_dir():
            yield from _walk(folder / entry.name, suffixes, (*above, here))
        elif entry.name.lower().endswith(suffixes):
            yield folder / entry.name
