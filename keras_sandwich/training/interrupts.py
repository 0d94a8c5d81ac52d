"""Ctrl-C between two steps of a training rather than in the middle of one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts_between_steps() -> Iterator[Callable[[], None]]:
    """Holds Ctrl-C back until the function that this gives is called, or the block ends.

    A step that is broken off may leave half of the weights updated, or on JAX, whose programs consume the arrays that
    they are given, none at all. A second Ctrl-C is not held back. Outside the main thread, which alone receives
    signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    previous = signal.getsignal(signal.SIGINT)
    if not callable(previous):  # Ctrl-C is ignored, or is not Python's
        yield lambda: None
        return
    received = False

    def remember(number: int, frame: Any) -> None:
        nonlocal received
        received = True
        signal.signal(signal.SIGINT, previous)

    def raise_if_received() -> None:
        nonlocal received
        if received:
            received = False
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)
    try:
        yield raise_if_received
        raise_if_received()
    finally:
        signal.signal(signal.SIGINT, previous)
