"""Which backend the tests run on: the one that KERAS_BACKEND names."""

import contextlib
import signal

# PyTorch can crash when it is imported after TensorFlow.
with contextlib.suppress(ImportError):
    import torch  # noqa: F401

import keras
import pytest
from golden_cases import FOLDER


def pytest_report_header() -> list[str]:
    return [f"keras {keras.__version__} on {keras.backend.backend()}", f"golden: {FOLDER}"]


@pytest.fixture(autouse=True)
def restored_dtype_policy():
    """No test sees the dtype policy that another one left."""
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python has it: a shell starts what it runs in the background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)
