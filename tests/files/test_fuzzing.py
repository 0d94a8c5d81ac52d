"""The fuzzer, for some hundred inputs: `make fuzz` goes on for minutes."""

import re
from pathlib import Path

import keras
import pytest
from small_models import run_on

pytest.importorskip("PIL")
TESTS = str(Path(__file__).resolve().parents[1])
SCRIPT = f"import sys; sys.path.append({TESTS!r}); import fuzz_files; raise SystemExit(fuzz_files.main())"


def test_damaged_files_are_read_or_refused_within_bounds_of_time_and_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where an input that fails is written
    printed = run_on(keras.backend.backend(), SCRIPT, "--inputs", "200")
    assert "200 inputs in" in printed
    counted = dict(re.findall(r"(\w+: \w+): (\d+)", printed))
    assert all(int(counted[f"{kind}: refused"]) > 20 for kind in ("metadata", "decode", "source"))
    assert all(int(counted[f"{kind}: read"]) > 0 for kind in ("decode", "source"))
