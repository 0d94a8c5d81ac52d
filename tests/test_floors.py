"""The house's law: a room imports from the floors below its own, and no module, by whatever way, itself."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "keras_sandwich"

# From the ground up. CONTRIBUTING.md shows the same, and says what each room is for.
FLOORS = (
    ("_version", "_arguments", "_optional", "_backend", "_whole_files"),
    ("ops", "codecs"),
    ("layers", "losses"),
    ("metrics", "presets", "pictures"),
    ("models", "datasets", "depth"),
    ("inference",),
    ("refinement",),
    ("evaluation", "files"),
    ("callbacks", "exporting"),
    ("training", "web"),
    ("cli",),
)
HEIGHT = {room: height for height, floor in enumerate(FLOORS) for room in floor}


def modules_of(folder: Path) -> dict[str, str]:
    """Dotted name → source, of every module below the package's folder; a room's own name is its `__init__`."""
    sources = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text(encoding="utf-8")
    return sources


def imports_of(name: str, sources: dict[str, str]) -> set[str]:
    """The package's modules that a module imports, within its functions too."""
    imported = set()
    package = name if any(other.startswith(f"{name}.") for other in sources) else ""
    package = package or name.rpartition(".")[0]
    for node in ast.walk(ast.parse(sources[name])):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            imported |= {found if found in sources else base for found in names}
    return {found for found in imported if found.partition(".")[0] == PACKAGE}


def room_of(module: str) -> str:
    """The room that a module lies in; of the package's face, nothing."""
    return [*module.split("."), ""][1]


def arrows_upward(graph: dict[str, set[str]]) -> list[str]:
    """Imports from another room that is not below, or from the package's face."""
    return [
        f"{module} → {other}"
        for module, imported in graph.items()
        for other in sorted(imported)
        if room_of(module) not in ("", "__main__")
        and room_of(other) != room_of(module)
        and HEIGHT.get(room_of(other), len(FLOORS)) >= HEIGHT[room_of(module)]
    ]


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The sets of modules of which each imports itself by way of the others."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        seen, todo = set(), list(graph[start])
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo += graph.get(module, ())
        reached[start] = seen
    rings = {
        tuple(sorted(other for other in reached[module] if module in reached.get(other, ())))
        for module in graph
        if module in reached[module]
    }
    return [list(ring) for ring in sorted(rings)]


def graph_of(sources: dict[str, str]) -> dict[str, set[str]]:
    return {name: imports_of(name, sources) for name in sources}


SOURCES = modules_of(ROOT / PACKAGE)


def test_every_room_has_its_floor():
    rooms = {room_of(module) for module in SOURCES} - {"", "__main__"}
    assert rooms == set(HEIGHT)


def test_the_guide_shows_the_same_floors():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", guide, re.MULTILINE)
    shown = {int(floor): set(re.findall(r"`(\w+)(?:\.py)?`", rooms)) for floor, rooms in rows}
    assert shown == {height + 1: set(floor) for height, floor in enumerate(FLOORS)}


def test_nothing_imports_upward():
    assert not arrows_upward(graph_of(SOURCES))


def test_nothing_imports_itself_by_way_of_others():
    assert not circles(graph_of(SOURCES))


@pytest.mark.parametrize(
    ("line", "arrow"),
    [
        ("from keras_sandwich.models import UNet", "keras_sandwich.models"),
        ("def f():\n    import keras_sandwich.models.unet", "keras_sandwich.models.unet"),
        ("from keras_sandwich import models", "keras_sandwich.models"),
        ("from keras_sandwich import __version__", "keras_sandwich"),
        ("from ..models import unet", "keras_sandwich.models.unet"),
        ("from keras_sandwich.codecs import JPEG", "keras_sandwich.codecs"),  # beside it
    ],
)
def test_an_arrow_upward_is_seen(line, arrow):
    name = "keras_sandwich.ops.dct"
    imported = imports_of(name, {**SOURCES, name: line})
    assert arrows_upward({name: imported}) == [f"{name} → {arrow}"]


def test_a_circle_is_seen():
    ring = ["keras_sandwich.ops.a", "keras_sandwich.ops.b", "keras_sandwich.ops.c"]
    sources = {
        "keras_sandwich.ops": "from keras_sandwich.ops.a import f",
        ring[0]: "from keras_sandwich.ops import b",
        ring[1]: "def f():\n    from keras_sandwich.ops.c import g",
        ring[2]: "from .a import h",
    }
    assert circles(graph_of(sources)) == [ring]
    assert not circles(graph_of({**sources, ring[2]: "import numpy"}))
    face = {**sources, ring[2]: "from keras_sandwich.ops import f"}  # by way of the room's face
    assert circles(graph_of(face)) == [["keras_sandwich.ops", *ring]]
