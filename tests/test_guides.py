"""The code of the guides, run as a reader would paste it: from the top of the page to its end."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.once
@pytest.mark.parametrize("page", ["choosing", "from-tensorflow", "your-codec", "your-data"])
def test_every_block_runs_after_the_one_before(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    blocks = list(CODE.finditer(text))
    assert blocks
    names = {"__name__": page}
    for block in blocks:
        line = text[: block.start(1)].count("\n")
        exec(compile("\n" * line + block[1], DOCS / f"{page}.md", "exec"), names)
