"""What one backend saved is the same on the others: models, presets and fingerprints, in all six directions.

Each of the others is started once: it reads what this one saved, and saves what this one reads.
"""

import importlib.util
import json

import keras
import numpy as np
import pytest
from autodiff import BACKEND, run, to_numpy
from photographs import photographs
from small_models import assert_equal, full_sandwich, loaded, run_on, sandwich, weights_of

from keras_sandwich.models import CompressVideoModel
from keras_sandwich.presets import fingerprint

PICTURES = photographs(4, 16, 16).astype("float32")
OTHERS = sorted({"jax", "tensorflow", "torch"} - {BACKEND})

READ_AND_SAVE = """
import json
import sys
import keras
import numpy as np
import keras_sandwich as ks

folder = sys.argv[1]
model = keras.saving.load_model(f"{folder}/given.keras")
clips = keras.saving.load_model(f"{folder}/clips.keras")
fingerprints = [ks.presets.fingerprint(layer) for layer in (model, model.postprocessor, clips)]
preset = ks.models.CompressIntraModel.from_preset(f"{folder}/preset")
shown = preset.postprocess(np.load(f"{folder}/bottleneck.npy"), (24, 30))
np.save(f"{folder}/shown.npy", keras.ops.convert_to_numpy(shown))
print(json.dumps(fingerprints))

from autodiff import run
from photographs import photographs
from small_models import full_sandwich, sandwich

model = full_sandwich(rounding="uniform_noise", seed=3)
model.compile(keras.optimizers.Adam(1e-3), loss="mae")
generator = np.random.default_rng(5)
for weight in model.trainable_variables:
    weight.assign_add(generator.normal(0, 0.02, weight.shape).astype("float32"))
model.gamma = 77.0
model.optimizer.build(model.trainable_variables)
for variable in model.optimizer.variables:
    variable.assign(generator.uniform(1, 2, variable.shape).astype(variable.dtype))
model.save(f"{folder}/m.keras")
pictures = photographs(4, 16, 16).astype("float32")
np.savez(f"{folder}/outputs.npz", **run(model, pictures))
state = [keras.ops.convert_to_numpy(v) for v in (*model.weights, *model.optimizer.variables)]
np.savez(f"{folder}/state.npz", *state)

# A small one that goes on training where it is loaded.
small = sandwich(rate_model="gaussian")
small.compile(keras.optimizers.Adam(1e-3), loss="mse")
small.train_on_batch(pictures)
small.save(f"{folder}/small.keras")
small.train_on_batch(pictures)
np.savez(f"{folder}/small.npz", *map(keras.ops.convert_to_numpy, small.weights))
"""


@pytest.fixture(scope="module", params=OTHERS)
def exchange(request, tmp_path_factory):
    """A folder with what each of two backends saved, the models that this one did, and what the other printed."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    given, preset = full_sandwich(), sandwich(networks=True, downsample_factor=2)
    given.save(folder / "given.keras")
    preset.save_to_preset(folder / "preset", "For tests.")
    clips = CompressVideoModel.from_image_model(given)
    clips.save(folder / "clips.keras")
    np.save(folder / "bottleneck.npy", photographs(2, 12, 15)[..., :1])
    printed = run_on(request.param, READ_AND_SAVE, str(folder))
    return folder, (given, given.postprocessor, clips), preset, json.loads(printed.splitlines()[-1])


def test_the_fingerprint_is_the_same(exchange):
    _, given, _, fingerprints = exchange
    assert fingerprints == [fingerprint(layer) for layer in given]


def test_a_preset_shows_the_same(exchange):
    folder, _, preset, _ = exchange
    shown = to_numpy(preset.postprocess(np.load(folder / "bottleneck.npy"), (24, 30)))
    np.testing.assert_allclose(np.load(folder / "shown.npy"), shown, rtol=0, atol=5e-3)


def test_a_model_saved_there_is_loaded_here(exchange):
    folder = exchange[0]
    model = loaded(folder / "m.keras")
    with np.load(folder / "state.npz") as state:
        assert_equal([*model.weights, *model.optimizer.variables], state.values())
    assert float(to_numpy(model.gamma)) == 77.0
    assert model.loss == "mae"
    outputs = run(model, PICTURES)
    with np.load(folder / "outputs.npz") as expected:
        assert set(outputs) == set(expected)
        np.testing.assert_allclose(outputs["rate"], expected["rate"], rtol=2e-3)
        np.testing.assert_allclose(outputs["bottleneck"], expected["bottleneck"], atol=1e-3)
        # A coefficient at a tie may be rounded the other way.
        off = np.abs(outputs["prediction"] - expected["prediction"])
        assert np.mean(off > 0.02) < 0.03


def test_a_model_saved_there_goes_on_training_here(exchange):
    """As the backend that saved it did, with this backend's own optimizer and compiler."""
    folder = exchange[0]
    small = loaded(folder / "small.keras")
    assert type(small.optimizer) is type(keras.optimizers.Adam())
    fresh = sandwich()
    fresh.compile()
    assert small.jit_compile == fresh.jit_compile
    before = weights_of(small)
    small.train_on_batch(PICTURES)
    with np.load(folder / "small.npz") as weights:
        assert_equal(weights_of(small), weights.values(), atol=1e-4)
    assert max(np.abs(a - b).max() for a, b in zip(weights_of(small), before, strict=True)) > 5e-4
