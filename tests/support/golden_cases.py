"""The golden numbers: one parametrised test case per file.

@pytest.mark.parametrize("case", golden_cases("jpeg_proxy"))
def test_golden(case): ...
"""

import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

FOLDER = Path(os.environ.get("KERAS_SANDWICH_GOLDEN") or Path(__file__).parent.parent / "golden")


class Arrays(Mapping[str, np.ndarray]):
    """The numbers of a file, read when a test asks for them: every process collects all the cases."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @functools.cached_property
    def _read(self) -> dict[str, np.ndarray]:
        with np.load(self.path) as file:
            return {name: file[name] for name in file.files if name != "config"}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


class GoldenCase(NamedTuple):
    config: dict[str, Any]
    arrays: Arrays


def golden_cases(kind: str) -> list[Any]:
    """The cases whose `config.kind` is `kind`, as pytest parameters with ids golden-…."""
    cases = [(path.stem, _load(path)) for path in sorted(FOLDER.glob("*.npz"))]
    return [
        pytest.param(case, id=f"golden-{name}")
        for name, case in cases
        if case.config["kind"] == kind
    ]


@functools.cache
def _load(path: Path) -> GoldenCase:
    with np.load(path) as file:
        return GoldenCase(json.loads(str(file["config"])), Arrays(path))
