"""The fuzzer, for some hundred inputs: `make fuzz` goes on for minutes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

pytest.importorskip("PIL")
TESTS = Path(__file__).resolve().parents[1]


def test_damaged_files_are_read_or_refused_within_bounds_of_time_and_memory(tmp_path):
    outcome = subprocess.run(
        [sys.executable, str(TESTS / "fuzz_files.py"), "--inputs", "200"],
        cwd=tmp_path,
        env={
            **os.environ,
            "KERAS_BACKEND": keras.backend.backend(),
            "PYTHONPATH": os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    assert "200 inputs in" in outcome.stdout
    counted = dict(re.findall(r"(\w+: \w+): (\d+)", outcome.stdout))
    assert all(int(counted[f"{kind}: refused"]) > 20 for kind in ("metadata", "decode", "source"))
    assert all(int(counted[f"{kind}: read"]) > 0 for kind in ("decode", "source"))
