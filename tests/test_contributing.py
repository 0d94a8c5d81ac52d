"""CONTRIBUTING.md: the files that it names are there, and ruff is of one version."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GOALS = dict(
    re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", GUIDE.partition("| I want to …")[2], re.MULTILINE)
)


@pytest.mark.parametrize("goal", [goal for goal in GOALS if goal != "---"])
def test_the_files_to_open_are_there(goal):
    files = re.findall(r"`([\w/.-]+/[\w/.-]*|[\w-]+\.(?:py|toml|md))`", GOALS[goal])
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_ruff_is_of_one_version():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"ruff-pre-commit\n    rev: v(\S+)", hooks)
    assert f"\nruff=={version}\n" in constraints
