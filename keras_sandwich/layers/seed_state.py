"""The state of a layer's seed generator in its file.

Keras does not save it; a resumed training would repeat what it drew.
"""

from typing import Any

import numpy as np
from keras import ops


def save_seed(generator: Any, store: Any, key: str) -> None:
    """For `save_own_variables`."""
    store[key] = ops.convert_to_numpy(generator.state)


def load_seed(generator: Any, store: Any, key: str) -> None:
    """For `load_own_variables`; leaves the generator as it is where the file has no state."""
    # `in` alone does not do: the store of an older Keras knows it by `keys` only.
    if key in set(store.keys()):
        generator.state.assign(np.array(store[key]))
