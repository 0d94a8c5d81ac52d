"""The tables of README and docs are what the files of results say."""

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_documents_are_as_the_results_say(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    tables = importlib.import_module("benchmarks.quality.tables")
    for name in tables.DOCUMENTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("<!-- table: ") == len(tables.TABLE.findall(text)), name
        assert tables.written(text) == text, f"{name}: run python -m benchmarks.quality.tables"
