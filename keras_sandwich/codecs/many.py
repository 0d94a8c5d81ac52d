"""Many pictures at a time, on all cores."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.codec import Codec


def encode_many(
    codec: Codec, images: Iterable[np.ndarray], workers: int | None = None, verbose: int = 1
) -> list[bytes]:
    """Encodes pictures on all cores.

    In threads: the libraries let go of the interpreter's lock while they work. OpenJPEG in Pillow is the exception:
    `JPEG2000` of eight bits encodes one picture at a time.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec, images = ks.codecs.JPEG(qstep=16), np.zeros((5, 32, 48, 1), "uint8")
    files = ks.codecs.encode_many(codec, images, verbose=0)
    assert files == [codec.encode(image) for image in images]
    ```

    Args:
        codec: a codec of `keras_sandwich.codecs`.
        images: pictures as the codec takes them.
        workers: how many threads; by default one per core that the process may use.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        The files, in the order of the pictures.

    Raises:
        ValueError: what the codec raises, with the number of the picture; or fewer workers than one.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    return _map(codec.encode, images, workers, verbose, "picture")


def decode_many(
    codec: Codec, files: Iterable[bytes], workers: int | None = None, verbose: int = 1
) -> list[np.ndarray]:
    """Decodes files on all cores.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    codec = ks.codecs.PNG()
    files = [codec.encode(np.full((8, 8, 1), value, "uint8")) for value in range(5)]
    pictures = ks.codecs.decode_many(codec, files, verbose=0)
    assert [picture[0, 0, 0] for picture in pictures] == [0, 1, 2, 3, 4]
    ```

    Args:
        codec: a codec of `keras_sandwich.codecs`.
        files: the bytes of files.
        workers: how many threads; by default one per core that the process may use.
        verbose: 1 shows a progress bar, 0 nothing.

    Returns:
        The pictures, in the order of the files.

    Raises:
        ValueError: what the codec raises, with the number of the file; or fewer workers than one.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    return _map(codec.decode, files, workers, verbose, "file")


def _map(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int | None,
    verbose: int,
    kind: str,
) -> list[Any]:
    if workers is not None and workers < 1:
        raise ValueError(f"`workers` must be 1 or more. Received workers={workers}.")
    tqdm = import_library("tqdm", "The progress bar (verbose=0 has none)").tqdm if verbose else None
    items = list(items)
    executor = ThreadPoolExecutor(workers or cores())
    results = []
    try:
        futures = [executor.submit(function, item) for item in items]
        for number, future in enumerate(tqdm(futures, unit=kind) if tqdm else futures):
            try:
                results.append(future.result())
            except (ValueError, OSError) as error:
                error.add_note(f"{kind.capitalize()} {number} of {len(items)}.")
                raise
    finally:
        # After an error or Ctrl-C only what has begun is waited for.
        executor.shutdown(cancel_futures=True)
    return results


def cores() -> int:
    """How many the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
