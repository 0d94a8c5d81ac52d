"""One pool for the work of codecs: on all cores or on any executor, with the results in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    executor: Executor | None = None,
    workers: int | None = None,
    ahead: int | None = None,
) -> Iterator[Result]:
    """`function(item)` of each item, in the order of the items, while others are worked on.

    Threads are enough for codecs: their libraries work outside Python's lock, but for OpenJPEG in Pillow while it
    encodes. After an error or Ctrl-C what has not begun never does, and only what has begun is waited for.

    Args:
        function: what to do; one that can be pickled where the executor has processes.
        items: of what; taken as they are needed.
        executor: any `concurrent.futures.Executor`, which its owner shuts down; None: threads of its own.
        workers: how many threads of its own; None: one for each core that the process may use.
        ahead: how many results at most are made before they are asked for; None: all.

    Raises:
        ValueError: fewer workers than one.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"`workers` must be 1 or more. Received workers={workers}.")
    own = ThreadPoolExecutor(workers or cores()) if executor is None else None
    running: deque[Future[Result]] = deque()
    with nullcontext() if own is None else own:
        try:
            for item in items:
                running.append((own or executor).submit(function, item))  # type: ignore[union-attr]
                if ahead is not None and len(running) > ahead:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def cores() -> int:
    """How many the process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
