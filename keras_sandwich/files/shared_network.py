"""One network for the threads and processes that code a folder."""

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_sandwich.files.networks import load_network
from keras_sandwich.presets.fingerprint import fingerprint


class SharedNetwork:
    """A network that threads share, and that each process loads once: it is pickled as the place where it is saved."""

    def __init__(self, model: Any, folder: Path) -> None:
        self.network = load_network(model)
        self._model = model
        self._folder = folder

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the whole model: both sides and the proxy decide what a file becomes."""
        return fingerprint(self.network.model)

    def __reduce__(self) -> tuple[Any, ...]:
        if isinstance(self._model, str | os.PathLike):
            place = Path(self._model)
            name = str(place.resolve()) if place.exists() else os.fspath(self._model)
            return _loaded, (name, self.fingerprint)
        place = self._folder / "model.keras"
        if not place.exists():
            self.network.model.save(place)
        return _loaded, (str(place), self.fingerprint)


@contextlib.contextmanager
def shared(model: Any) -> Iterator[SharedNetwork]:
    """The network of a model, for as long as it may be sent to other processes."""
    with tempfile.TemporaryDirectory(prefix="keras-sandwich-") as folder:
        yield SharedNetwork(model, Path(folder))


@functools.lru_cache(maxsize=1)
def _loaded(place: str, fingerprint: str) -> SharedNetwork:
    """In another process, once for each network: by its fingerprint, as another may be saved to the same place."""
    return SharedNetwork(place, Path())
