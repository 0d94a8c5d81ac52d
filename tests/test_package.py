"""The package as a whole: what it says without a backend, what it imports, what is public, what is packed."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from absent_modules import BACKENDS, EXTRAS, run_without
from public_names import public_surface

import keras_sandwich

ROOT = Path(__file__).resolve().parent.parent
SURFACE = Path(__file__).parent / "public_surface.txt"
GRAPH_ROOMS = ("ops", "layers", "models", "losses", "metrics")
HOST_MODULES = BACKENDS | EXTRAS | {"av", "cv2", "keras.src"}
GRAPH_FILES = sorted(
    path for room in GRAPH_ROOMS for path in (ROOT / "keras_sandwich" / room).rglob("*.py")
)

MISSING_SCRIPT = """
def chosen():
    return {name: value for name, value in os.environ.items() if "KERAS" in name}

before = chosen()  # TensorFlow sets variables of its own
try:
    import keras_sandwich
except ImportError as error:
    print(error)
assert chosen() == before
from keras_sandwich_command import main
sys.exit(main(["info"]))
"""


@pytest.mark.parametrize(
    ("chosen", "there", "wrong", "advice"),
    [
        ({}, "torch", "run on tensorflow, which is", "Python starts: export KERAS_BACKEND=torch."),
        ({"KERAS_BACKEND": "jax"}, "tensorflow", "run on jax, which is", "Installed: tensorflow."),
        ({"KERAS_BACKEND": "torch"}, "", "run on torch, which is", '"keras-sandwich[torch]"'),
    ],
)
def test_a_backend_that_is_not_installed(tmp_path, chosen, there, wrong, advice):
    if there and importlib.util.find_spec(there) is None:
        pytest.skip(f"{there} is not installed")
    script = MISSING_SCRIPT
    run = run_without(BACKENDS - {there}, script, **chosen, KERAS_HOME=str(tmp_path))
    python, *rest = run.stdout.splitlines()
    assert wrong in python
    assert advice in python
    if chosen:
        assert run.returncode == 1
        assert run.stderr.splitlines() == [f"keras-sandwich: error: {python}"]
    else:  # the command takes the backend that is there
        assert run.returncode == 0, run.stderr
        assert any(line.split() == ["backend:", there] for line in rest)


def imported_modules(source: str) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def refused(modules: set[str]) -> set[str]:
    return {
        module
        for module in modules
        if any(module == name or module.startswith(f"{name}.") for name in HOST_MODULES)
    }


def test_refused_imports_are_seen():
    source = "import numpy\ndef f():\n    import torch.nn\n    from keras import src\n"
    assert refused(imported_modules(source)) == {"torch.nn", "keras.src"}
    assert not refused(imported_modules("import keras\nfrom keras import ops\n"))


@pytest.mark.parametrize("path", GRAPH_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_graph_code_uses_keras_alone(path):
    found = refused(imported_modules(path.read_text(encoding="utf-8")))
    assert not found, f"{path.relative_to(ROOT)} imports {sorted(found)}: keras.ops only"


def test_public_surface():
    names = set(public_surface())
    listed = set(SURFACE.read_text(encoding="utf-8").split())
    missing, new = sorted(listed - names), sorted(names - listed)
    assert not missing, (
        f"These public names are gone: {missing}. Users import them; bring them back, or take them "
        f"out of tests/{SURFACE.name} and say so in CHANGELOG.md."
    )
    assert not new, (
        f"These names became public: {new}. If that is meant, add them to tests/{SURFACE.name} "
        f"and to CHANGELOG.md; if not, keep them out of `__all__`."
    )


def test_public_surface_is_sorted():
    lines = SURFACE.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines))


def test_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert keras_sandwich.__version__ == project["version"]


def test_wheel_is_typed_and_complete(tmp_path):
    pytest.importorskip("hatchling")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "keras_sandwich").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "keras_sandwich/py.typed" in packed
    assert there <= packed
    top = {name.partition("/")[0].partition("-")[0] for name in packed}
    assert top == {"keras_sandwich", "keras_sandwich_command.py"}
