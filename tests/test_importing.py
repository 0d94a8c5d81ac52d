"""What importing the package needs and changes, on the backend that the tests run on."""

import keras
import pytest
from absent_modules import BACKENDS, EXTRAS, run_without

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


@pytest.mark.parametrize("absent", [set(), EXTRAS], ids=["extras_there", "extras_absent"])
def test_import_needs_one_backend_and_changes_nothing(absent):
    backend = keras.backend.backend()
    others = BACKENDS - {backend}
    run = run_without(absent | others, IMPORT_SCRIPT, KERAS_BACKEND=backend)
    assert run.returncode == 0, run.stderr
    brought_in = set(run.stdout.split())
    assert "keras_sandwich" in brought_in
    assert not brought_in & (EXTRAS | others)
