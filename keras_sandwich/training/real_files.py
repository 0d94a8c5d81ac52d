"""Bottlenecks through the files of a real codec, and back."""

from concurrent.futures import Executor
from typing import Any

import numpy as np

from keras_sandwich.codecs.samples import from_samples, to_samples


def through_files(
    bottlenecks: np.ndarray, codec: Any, executor: Executor
) -> tuple[np.ndarray, np.ndarray]:
    """Codes each bottleneck as a file of its own, in threads.

    Args:
        bottlenecks: [batch, height, width, channels], meant for [0, 255].
        codec: for as many channels.
        executor: whose threads do the work; the codecs' libraries leave Python's lock meanwhile.

    Returns:
        What the files decode to, float32 like `bottlenecks`, and the bits of the whole files, [batch] float32.
    """

    def there_and_back(samples: np.ndarray) -> tuple[np.ndarray, int]:
        file = codec.encode(samples)
        return codec.decode(file), 8 * len(file)

    results = list(executor.map(there_and_back, to_samples(bottlenecks, codec.bits)))
    decoded = from_samples(np.stack([picture for picture, _ in results]), codec.bits)
    return decoded, np.array([bits for _, bits in results], "float32")


def empty_file_bits(codec: Any, shape: tuple[int, ...]) -> int:
    """The bits of a file with nothing to see in it: what headers and containers cost, whatever the picture.

    Args:
        codec: for as many channels.
        shape: [height, width, channels].
    """
    return 8 * len(codec.encode(to_samples(np.full(shape, 128.0), codec.bits)))
