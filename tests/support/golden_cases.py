"""The golden numbers: one parametrised test case per file.

@pytest.mark.parametrize("case", golden_cases("jpeg_proxy"))
def test_golden(case): ...
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

FOLDER = Path(os.environ.get("KERAS_SANDWICH_GOLDEN") or Path(__file__).parent.parent / "golden")


class GoldenCase(NamedTuple):
    config: dict[str, Any]
    arrays: dict[str, np.ndarray]


def golden_cases(kind: str) -> list[Any]:
    """The cases whose `config.kind` is `kind`, as pytest parameters with ids golden-…."""
    cases = [(path.stem, _load(path)) for path in sorted(FOLDER.glob("*.npz"))]
    return [
        pytest.param(case, id=f"golden-{name}")
        for name, case in cases
        if case.config["kind"] == kind
    ]


def _load(path: Path) -> GoldenCase:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "config"}
        return GoldenCase(json.loads(str(file["config"])), arrays)
