"""The package as a whole: what importing it needs and changes, what is public, what is packed."""

import ast
import importlib.util
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import keras
import pytest
from public_names import public_surface

import keras_sandwich

ROOT = Path(__file__).resolve().parent.parent
SURFACE = Path(__file__).parent / "public_surface.txt"
BACKENDS = {"tensorflow", "jax", "torch"}
EXTRAS = {
    "PIL",
    "av",
    "imagecodecs",
    "matplotlib",
    "mediapy",
    "pillow_heif",
    "tensorflow_datasets",
    "tqdm",
}

GRAPH_ROOMS = ("ops", "layers", "models", "losses", "metrics")
HOST_MODULES = BACKENDS | EXTRAS | {"av", "cv2", "keras.src"}
GRAPH_FILES = sorted(
    path for room in GRAPH_ROOMS for path in (ROOT / "keras_sandwich" / room).rglob("*.py")
)

WITHOUT = '''
import os, sys

class Without:
    """A finder of modules that does not see the absent ones."""

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {absent!r}:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
'''

IMPORT_SCRIPT = """
import keras
import numpy as np

def state():
    return {
        "environment": dict(os.environ),
        "backend": keras.backend.backend(),
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "data format": keras.config.image_data_format(),
        "policy": keras.config.dtype_policy().name,
        "numpy errors": np.geterr(),
        "numpy random": np.random.get_state()[1].tolist(),
    }

before, modules = state(), set(sys.modules)
import keras_sandwich
after = state()
changed = [name for name in before if before[name] != after[name]]
assert not changed, f"import changed {changed}"
print(*{name.partition(".")[0] for name in set(sys.modules) - modules})
"""

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


def run_without(absent, script, **environment):
    """A new process that does not find some modules."""
    kept = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, **environment},
        check=False,
    )


@pytest.mark.parametrize("absent", [set(), EXTRAS], ids=["extras_there", "extras_absent"])
def test_import_needs_one_backend_and_changes_nothing(absent):
    backend = keras.backend.backend()
    others = BACKENDS - {backend}
    run = run_without(absent | others, IMPORT_SCRIPT, KERAS_BACKEND=backend)
    assert run.returncode == 0, run.stderr
    brought_in = set(run.stdout.split())
    assert "keras_sandwich" in brought_in
    assert not brought_in & (EXTRAS | others)


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
