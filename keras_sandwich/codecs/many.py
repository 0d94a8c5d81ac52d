"""Many pictures at a time, on all cores."""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any

import numpy as np

from keras_sandwich._optional import progress_bar
from keras_sandwich.codecs.codec import Codec
from keras_sandwich.codecs.pool import map_in_order


def encode_many(
    codec: Codec,
    images: Iterable[np.ndarray],
    workers: int | None = None,
    verbose: int = 1,
    executor: Executor | None = None,
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
        executor: any `concurrent.futures.Executor` to work on, instead of threads of its own.

    Returns:
        The files, in the order of the pictures.

    Raises:
        ValueError: what the codec raises, with the number of the picture; or fewer workers than one.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    return _map(codec.encode, images, workers, verbose, "picture", executor)


def decode_many(
    codec: Codec,
    files: Iterable[bytes],
    workers: int | None = None,
    verbose: int = 1,
    executor: Executor | None = None,
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
        executor: any `concurrent.futures.Executor` to work on, instead of threads of its own.

    Returns:
        The pictures, in the order of the files.

    Raises:
        ValueError: what the codec raises, with the number of the file; or fewer workers than one.
        ImportError: tqdm, which draws the progress bar, is not installed.
    """
    return _map(codec.decode, files, workers, verbose, "file", executor)


def _map(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    workers: int | None,
    verbose: int,
    kind: str,
    executor: Executor | None,
) -> list[Any]:
    items = list(items)
    results: list[Any] = []
    with progress_bar(len(items), verbose, kind) as bar:
        coded = map_in_order(function, items, executor, workers)
        try:
            for result in coded:
                results.append(result)
                bar.update()
        except (ValueError, OSError) as error:
            error.add_note(f"{kind.capitalize()} {len(results)} of {len(items)}.")
            raise
    return results
