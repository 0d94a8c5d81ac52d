"""Times of several functions taken in turns, so that a busy machine slows them alike."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.speed.backend import wait


def seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    wait(function())
    return time.perf_counter() - start


def warm_up(function: Callable[[], Any]) -> float:
    """Seconds of the first call, tracing and compiling included; a second one follows."""
    first = seconds(function)
    wait(function())
    return first


def interleaved_medians(
    functions: dict[str, Callable[[], Any]], rounds: int, turn: float = 0.1, most: int = 20
) -> dict[str, float]:
    """Median seconds of each function, already warm.

    Each round calls every function, the short ones again until `turn` seconds or `most` calls are over.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            taken = [seconds(function)]
            while sum(taken) < turn and len(taken) < most:
                taken.append(seconds(function))
            times[name] += taken
    return {name: statistics.median(values) for name, values in times.items()}
