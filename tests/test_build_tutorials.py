"""The tutorials: the converter, and that no committed page has fallen behind its example."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))

spec = importlib.util.spec_from_file_location(
    "build_tutorials", ROOT / "docs" / "build_tutorials.py"
)
tutorials = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tutorials)

EXAMPLE = """\
# %% [markdown]
# # A title
#
# Some prose.

# %%
import sys

print("10%\\r100%", flush=True)
print(sys.argv[1:])


# %% [markdown]
# Then a picture.
# %%
from pathlib import Path

Path("out").mkdir()
Path("out/dot.png").write_bytes(b"dot")
print("wrote out/dot.png")
"""


def test_page_has_prose_code_output_and_pictures(tmp_path):
    example = tmp_path / "example.py"
    example.write_text(EXAMPLE, encoding="utf-8")
    cells = tutorials.read_cells(example)
    assert [cell.kind for cell in cells] == ["markdown", "code", "markdown", "code"]
    assert cells[0].text == "# A title\n\nSome prose."
    outputs = tutorials.run_cells(cells, "example", ["--steps", "3"], tmp_path)
    assert outputs == ["", "100%\n['--steps', '3']", "", "wrote out/dot.png"]
    pages = tmp_path / "pages"
    pages.mkdir()
    page = tutorials.write_page(cells, outputs, "example", tmp_path, pages)
    text = page.read_text(encoding="utf-8")
    assert "Some prose." in text
    assert "['--steps', '3']" in text
    assert "![dot](example/dot.png)" in text
    assert (pages / "example" / "dot.png").read_bytes() == b"dot"
    assert tutorials.code_on_page(page) == [cells[1].text, cells[3].text]


def test_screen_keeps_the_last_state_of_a_progress_bar():
    bar = "\x1b[1m1/2\x1b[0m ━━\r\x1b[1m2/2\x1b[0m ━━━━ loss: 3\nnext"
    assert tutorials.as_on_screen(bar) == "2/2 ━━━━ loss: 3\nnext"
    assert tutorials.as_on_screen("1/2" + "\x08" * 3 + "2/2\n") == "2/2"


def test_long_output_loses_its_middle():
    output = tutorials.shortened("\n".join(str(line) for line in range(100)))
    assert output.split("\n")[18:22] == ["18", "19", "… 60 lines …", "80"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_page_has_the_code_of_its_example(name):
    code = [
        cell.text
        for cell in tutorials.read_cells(ROOT / "examples" / f"{name}.py")
        if cell.kind == "code"
    ]
    page = ROOT / "docs" / "tutorials" / f"{name}.md"
    assert page.is_file(), f"build the page: python docs/build_tutorials.py {name}"
    assert tutorials.code_on_page(page) == code, (
        f"examples/{name}.py has changed since its page was built: "
        f"run `python docs/build_tutorials.py {name}` and commit the page"
    )
