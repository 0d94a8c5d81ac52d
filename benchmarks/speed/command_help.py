"""How long a shell waits for help: `keras-sandwich --help` as a process of its own, beside Python that does nothing.

python -m benchmarks.speed.command_help --rounds 20
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 0.5  # seconds
COMMANDS = {
    "python": "pass",
    "keras-sandwich --help": "import keras_sandwich_command as c; c.main(['--help'])",
    "keras-sandwich encode --help": "import keras_sandwich_command as c; c.main(['encode', '--help'])",
}


def seconds(code: str) -> tuple[float, float]:
    """On the clock, and of the processor, which other processes do not lengthen."""
    start, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    clock, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system
    return clock, used - before.children_user - before.children_system


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = range(parser.parse_args().rounds)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in rounds:  # in turns, so that a busy machine slows them alike
        for name, code in COMMANDS.items():
            times[name].append(seconds(code))
    slow = False
    for name, taken in times.items():
        clock, processor = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"{name:<30}{clock:6.2f} s, of the processor {processor:.2f}")
        slow = slow or clock > LIMIT
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
