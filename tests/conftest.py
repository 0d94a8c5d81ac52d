"""Which backend the tests run on: the one that KERAS_BACKEND names."""

import contextlib
import importlib.metadata
import os
import signal
from pathlib import Path

import pytest
from golden_cases import FOLDER

# Begun first, the longest of them before the others, so that workers side by side end together.
LONG = (
    *(f"training/test_{name}.py" for name in ("through_codec", "codec_in_the_loop")),
    "exporting/test_export.py",
    "web/test_browser.py",
    "layers/test_libjpeg_arithmetic.py",
    "test_docstrings.py",
    *(
        f"models/test_{name}.py"
        for name in ("other_backends", "saving", "compression_model", "compress_intra")
    ),
    *(f"cli/test_{name}.py" for name in ("train", "evaluate", "command")),
    "test_build_tutorials.py",
    "training/test_finetuning.py",
    *(f"layers/test_{name}.py" for name in ("jpeg_proxy", "rate_models")),
    *("test_golden.py", "test_package.py"),
)
PLACES = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}


def pytest_configure(config: pytest.Config) -> None:
    distributing = config.getoption("numprocesses", None)  # a process that runs no test itself
    if not distributing:
        # PyTorch can crash when it is imported after TensorFlow.
        with contextlib.suppress(ImportError):
            import torch  # noqa: F401
    moved = [str(path) for path in PLACES if not path.exists()]
    if moved:
        raise pytest.UsageError(f"LONG in tests/conftest.py names what is not there: {moved}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: PLACES.get(item.path, len(PLACES)))


def pytest_report_header() -> list[str]:
    backend = os.environ.get("KERAS_BACKEND", "the backend of keras.json")
    return [f"keras {importlib.metadata.version('keras')} on {backend}", f"golden: {FOLDER}"]


@pytest.fixture(autouse=True)
def restored_dtype_policy():
    """No test sees the dtype policy that another one left."""
    import keras

    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python has it: a shell starts what it runs in the background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)
