"""Run an example and write its page: prose, code, what each cell printed, and the pictures it made.

    python docs/build_tutorials.py grayscale_codec [arguments of the example]

An example is a script in cells: `# %% [markdown]` opens a cell of prose (comments), `# %%` one of
code. A picture whose path a cell prints is shown below that cell. The page and its pictures are
committed; a test compares the page's code with the example's.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "tutorials"
END_OF_CELL = "\x1e"
LONGEST_OUTPUT = 40  # lines; of a longer one the middle is left out


class Cell(NamedTuple):
    kind: str  # "markdown" or "code"
    text: str


def read_cells(example: Path) -> list[Cell]:
    """The cells of a script. What stands before the first marker is a cell of code."""
    cells = []
    for chunk in re.split(r"^(?=# %%)", example.read_text(encoding="utf-8"), flags=re.MULTILINE):
        marker, _, body = chunk.partition("\n") if chunk.startswith("# %%") else ("", "", chunk)
        is_prose = "[markdown]" in marker
        if is_prose:
            body = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        if body.strip():
            cells.append(Cell("markdown" if is_prose else "code", body.strip("\n")))
    return cells


def run_cells(cells: list[Cell], name: str, arguments: list[str], folder: Path) -> list[str]:
    """What each cell printed, running the whole script once in `folder`."""
    script = folder / f"{name}.py"
    end = f"\nprint({END_OF_CELL!r}, flush=True)\n"
    script.write_text(
        "".join(cell.text + end for cell in cells if cell.kind == "code"), encoding="utf-8"
    )
    printed = subprocess.run(
        [sys.executable, script.name, *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    lines = printed.decode("utf-8").replace("\r\n", "\n")  # a single \r redraws a progress bar
    outputs = iter(lines.split(f"{END_OF_CELL}\n"))
    return [as_on_screen(next(outputs)) if cell.kind == "code" else "" for cell in cells]


def as_on_screen(printed: str) -> str:
    """The text a terminal would be left with: no colours, of a progress bar its last state."""
    printed = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", printed)
    lines = []
    for line in printed.split("\n"):
        states = [state for state in re.split(r"\r|\x08+", line) if state.strip()]
        lines.append(states[-1].rstrip() if states else "")
    return "\n".join(lines).strip("\n")


def shortened(output: str) -> str:
    lines = output.split("\n")
    if len(lines) > LONGEST_OUTPUT:
        half = LONGEST_OUTPUT // 2
        lines = [*lines[:half], f"… {len(lines) - 2 * half} lines …", *lines[-half:]]
    return "\n".join(lines)


def write_page(
    cells: list[Cell], outputs: list[str], name: str, folder: Path, pages: Path = PAGES
) -> Path:
    """The page of an example, its pictures copied from the `folder` it ran in."""
    pictures = pages / name
    shutil.rmtree(pictures, ignore_errors=True)
    parts = []
    for cell, output in zip(cells, outputs, strict=True):
        if cell.kind == "markdown":
            parts.append(cell.text)
            continue
        parts.append(f"```python\n{cell.text}\n```")
        if output:
            parts.append(f'```{{ .text .output title="Output" }}\n{shortened(output)}\n```')
        for found in re.findall(r"\S+\.(?:png|jpg|webp)\b", output):
            picture = folder / found
            if picture.is_file():
                pictures.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(picture, pictures / picture.name)
                title = picture.stem.replace("_", " ")
                parts.append(f"![{title}]({name}/{picture.name})")
    parts.append(f"---\n\nThis page is `examples/{name}.py`, executed.")
    page = pages / f"{name}.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


def code_on_page(page: Path) -> list[str]:
    """The code cells of a written page."""
    return re.findall(
        r"^```python\n(.*?)\n```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def main(name: str, arguments: list[str]) -> None:
    cells = read_cells(ROOT / "examples" / f"{name}.py")
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_cells(cells, name, arguments, Path(folder))
        print("wrote", write_page(cells, outputs, name, Path(folder)).relative_to(ROOT))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
