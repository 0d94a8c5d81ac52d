"""Folders of pictures to folders of coded files, and back."""

import contextlib
import functools
import os
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_sandwich import codecs
from keras_sandwich._arguments import require_option
from keras_sandwich._optional import progress_bar
from keras_sandwich.codecs.pool import map_in_order
from keras_sandwich.files.container import CODED_SUFFIXES
from keras_sandwich.files.decoding import decode_file
from keras_sandwich.files.encoding import (
    codec_for_target,
    encode_file,
    require_effort,
)
from keras_sandwich.files.info import read_info
from keras_sandwich.files.lossless import FORMATS
from keras_sandwich.files.networks import Network, bundled_preset, load_network
from keras_sandwich.files.record import Record
from keras_sandwich.files.shared_network import SharedNetwork, shared
from keras_sandwich.files.targets import require_one_goal
from keras_sandwich.inference.tiling import require_tile_size
from keras_sandwich.pictures import find_pictures
from keras_sandwich.pictures.formats import PICTURE_SUFFIXES

Job = tuple[Path, Path]


@dataclass(frozen=True)
class FolderReport:
    """What became of the files of a folder.

    Attributes:
        written: the files that were written.
        kept: those that were there already.
        failed: by its path, why a source could not be coded or restored.
    """

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)


def encode_folder(
    source_folder: str | os.PathLike[str],
    target_folder: str | os.PathLike[str],
    model: Any,
    *,
    suffix: str = ".jpg",
    bits_per_pixel: float | None = None,
    strength: float | None = None,
    target_size: int | None = None,
    codec: codecs.Codec | None = None,
    background: Any = None,
    keep_profile: bool = True,
    tile_size: int = 1024,
    effort: int = 0,
    executor: Executor | None = None,
    verbose: int = 1,
) -> FolderReport:
    """Writes every picture of a folder and of its subfolders as `encode_file` does, at the same place below another.

    A picture that cannot be coded is listed and costs no other. Stopped and called again with the same arguments, it
    goes on: a file is kept that is newer than its source and than the record of the arguments, a hidden file of the
    target folder. It is whole, as files appear whole or not at all.

    Example:

    ```python
    import pathlib
    import keras_sandwich as ks
    from PIL import Image

    pathlib.Path("photographs/summer").mkdir(parents=True)
    Image.fromarray(ks.datasets.sample_images("test")[0]).save("photographs/summer/one.png")
    model = ks.models.create_linear_baseline(bottleneck_channels=1)
    report = ks.files.encode_folder("photographs", "coded", model, bits_per_pixel=0.8, verbose=0)
    assert [path.as_posix() for path in report.written] == ["coded/summer/one.jpg"]
    ks.files.decode_folder("coded", "restored", model, verbose=0)
    assert Image.open("restored/summer/one.png").size == (256, 256)
    ```

    Args:
        source_folder: where the pictures are.
        target_folder: made if it is not there; outside the source folder.
        model: a `CompressIntraModel`, or the name or folder of a preset.
        suffix: of the files, which chooses the codec.
        bits_per_pixel: as for `encode_file`, and so are the arguments up to `effort`.
        strength: of the codec.
        target_size: of each file.
        codec: None is the suffix's.
        background: on which transparent pixels are laid.
        keep_profile: keep ICC profiles.
        tile_size: the networks see so many pixels a side at a time.
        effort: passes of refinement for each file.
        executor: any `concurrent.futures.Executor`, which its owner shuts down; each process of one loads the model
            once. None: one picture after the other.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        A `FolderReport`.

    Raises:
        OSError: a folder that cannot be read or made.
        ValueError: the folder holds no pictures, the target lies in the source, an argument is wrong for every
            picture, or another run with other arguments writes to the target.
        ImportError: a library that is needed is not installed.
    """
    require_option(suffix, CODED_SUFFIXES, "suffix")
    goals = {"bits_per_pixel": bits_per_pixel, "strength": strength, "target_size": target_size}
    require_one_goal(**goals)
    require_tile_size(tile_size)
    options = {
        **goals,
        "codec": codec,
        "background": background,
        "keep_profile": keep_profile,
        "tile_size": tile_size,
        "effort": effort,
    }
    jobs = _jobs(Path(source_folder), Path(target_folder), suffix, PICTURE_SUFFIXES)
    with shared(model) as network:
        _require_codec(suffix, network.network, codec, strength, effort)
        record = {
            **options,
            "codec": None if codec is None else codec.settings,
            "suffix": suffix,
            "source": str(Path(source_folder).resolve()),
            "model": network.fingerprint,
        }
        work = functools.partial(_encode, network, options)
        return _run(work, jobs, Path(target_folder), record, executor, verbose, "encode")


def decode_folder(
    source_folder: str | os.PathLike[str],
    target_folder: str | os.PathLike[str],
    model: Any = None,
    *,
    suffix: str = ".png",
    accept_altered: bool = False,
    tile_size: int = 1024,
    executor: Executor | None = None,
    verbose: int = 1,
) -> FolderReport:
    """Restores the pictures of a folder that `encode_folder` wrote, at the same places below another.

    What fails is listed, and what is there already kept, as `encode_folder` does.

    Example:

    ```python
    import pathlib
    import keras_sandwich as ks
    from PIL import Image

    pathlib.Path("coded").mkdir()
    Image.fromarray(ks.datasets.sample_images("test")[0]).save("picture.png")
    model = ks.models.create_linear_baseline(bottleneck_channels=1)
    ks.encode_file("picture.png", "coded/one.jpg", model, strength=16)
    Image.new("L", (8, 8)).save("coded/other.jpg")
    report = ks.files.decode_folder("coded", "restored", model, verbose=0)
    assert "no metadata" in report.failed[pathlib.Path("coded/other.jpg")]
    ```

    Args:
        source_folder: where the coded files are.
        target_folder: made if it is not there; outside the source folder.
        model: the `CompressIntraModel`, or the name or folder of a preset; None is the bundled preset that each file
            names.
        suffix: of the pictures, one of those that `decode_file` writes.
        accept_altered: as for `decode_file`.
        tile_size: the networks see so many pixels a side at a time.
        executor: as for `encode_folder`.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        A `FolderReport`.

    Raises:
        OSError: a folder that cannot be read or made.
        ValueError: the folder holds no such files, the target lies in the source, an argument is wrong for every
            file, or another run with other arguments writes to the target.
        ImportError: a library that is needed is not installed.
    """
    require_option(suffix, tuple(FORMATS), "suffix")
    require_tile_size(tile_size)
    options = {"accept_altered": accept_altered, "tile_size": tile_size}
    jobs = _jobs(Path(source_folder), Path(target_folder), suffix, CODED_SUFFIXES)
    with contextlib.nullcontext() if model is None else shared(model) as network:
        used = None if network is None else network.network.fingerprint
        source = str(Path(source_folder).resolve())
        record = {**options, "suffix": suffix, "source": source, "network": used}
        work = functools.partial(_decode, network, options)
        return _run(work, jobs, Path(target_folder), record, executor, verbose, "decode")


def _require_codec(
    suffix: str, network: Network, codec: codecs.Codec | None, strength: float | None, effort: int
) -> None:
    """Raises once what would be raised for every picture."""
    chosen = codec_for_target(Path(f"*{suffix}"), network, codec)
    require_effort(effort, network, chosen)
    _ = chosen.version  # ImportError where its library is not installed
    if strength is not None:
        chosen.with_strength(strength)


def _jobs(source: Path, target: Path, suffix: str, suffixes: tuple[str, ...]) -> list[Job]:
    """The files to read and to write, at the same places below the two folders."""
    if target.exists() and not target.is_dir():
        raise ValueError(
            f"The files of a folder are written to a folder. Received the file {str(target)!r}; "
            "name a folder, which need not be there yet."
        )
    if target.resolve().is_relative_to(source.resolve()):
        raise ValueError(
            f"The results would lie among the sources. Received source={str(source)!r} and "
            f"target={str(target)!r}; write to a folder outside."
        )
    files = find_pictures(source, suffixes)
    jobs = [(file, target / file.relative_to(source).with_suffix(suffix)) for file in files]
    sources = {file.resolve() for file in files}
    for (
        file,
        result,
    ) in jobs:  # where the source lies in the target, or a link leads from one to the other
        if result.resolve() in sources:
            raise ValueError(
                f"The result of {str(file)!r} would replace a source, {str(result.resolve())!r}. "
                f"Received target={str(target)!r}; write to another folder."
            )
    return jobs


def _run(
    work: Callable[[Job], str],
    jobs: list[Job],
    target: Path,
    record: dict[str, Any],
    executor: Executor | None,
    verbose: int,
    name: str,
) -> FolderReport:
    """Does every job whose file is not there yet."""
    report = FolderReport()
    recorded = Record(target, record)
    chosen: dict[Path, Path] = {}
    todo: list[Job] = []
    for source, result in jobs:
        if result in chosen:
            report.failed[source] = (
                f"{str(source)!r} would be written to {str(result)!r}, as {str(chosen[result])!r} is; "
                "rename one of them."
            )
            continue
        chosen[result] = source
        if recorded.is_done(source, result):
            report.kept.append(result)
        else:
            todo.append((source, result))
    for folder in {result.parent for _, result in todo}:
        folder.mkdir(parents=True, exist_ok=True)
    done = _results(work, todo, executor)
    with progress_bar(len(todo), verbose, f"file to {name}") as bar, contextlib.closing(done):
        for (source, result), trouble in zip(todo, done, strict=True):
            if trouble:
                report.failed[source] = trouble
            else:
                report.written.append(result)
            recorded.require_alone()
            bar.update()
    return report


def _results(
    work: Callable[[Job], str], jobs: list[Job], executor: Executor | None
) -> Generator[str, None, None]:
    """What comes of each job, in their order."""
    yield from map(work, jobs) if executor is None else map_in_order(work, jobs, executor)


@functools.lru_cache(maxsize=2)
def _preset(name: str) -> Network:
    return load_network(name)


def _encode(network: SharedNetwork, options: dict[str, Any], job: Job) -> str:
    """Codes a picture; the reason where that fails."""
    return _trouble(lambda: encode_file(*job, network.network, **options), job[0])


def _decode(network: SharedNetwork | None, options: dict[str, Any], job: Job) -> str:
    """Restores a picture; the reason where that fails."""

    def decode() -> None:
        name = None if network is not None else bundled_preset(read_info(job[0]).network)
        known = None if name is None else _preset(name)
        decode_file(*job, known if network is None else network.network, **options)

    return _trouble(decode, job[0])


def _trouble(function: Callable[[], Any], source: Path) -> str:
    try:
        function()
    except Exception as error:  # one picture of a folder must not cost the others
        reason = str(error) or type(error).__name__
        return reason if str(source) in reason else f"{str(source)!r}: {reason}"
    return ""
