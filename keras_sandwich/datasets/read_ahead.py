"""Batches computed by threads before they are asked for."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

Key = tuple[int, int]  # epoch, index


class ReadAhead:
    """Calls `compute(epoch, index)` in threads, ahead of the reader.

    `compute` must be a pure function: what is read ahead and never asked for is thrown away, what
    was not foreseen is computed when it is asked for, so that only the speed depends on threads.
    """

    def __init__(self, compute: Callable[[int, int], Any], workers: int) -> None:
        self._compute = compute
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="keras_sandwich_reader")
        self._futures: dict[Key, Future[Any]] = {}
        self._lock = Lock()

    def get(self, key: Key, following: Iterable[Key]) -> Any:
        """The batch at `key`; starts on those that follow, and forgets all others."""
        with self._lock:
            before = self._futures
            self._futures = {}
            for wanted in (key, *following):
                if wanted in before:
                    self._futures[wanted] = before.pop(wanted)
                elif wanted not in self._futures:
                    self._futures[wanted] = self._pool.submit(self._compute, *wanted)
            for unwanted in before.values():
                unwanted.cancel()
            future = self._futures[key]
        return future.result()
