"""Training on several devices is training on one: Keras' `DataParallel` on JAX, on four simulated devices."""

import json
import os

import pytest
from autodiff import BACKEND
from small_models import run_on

DEVICES = 4
TRAINING = """
import json
import sys

import jax
import keras
import numpy as np
from photographs import photographs
from small_models import sandwich

pictures = np.tile(photographs(4, 16, 16), (2, 1, 1, 1)).astype("float32")
folder = sys.argv[1]


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 0


def train(name, devices, *callbacks):
    distribution = None
    if devices > 1:
        distribution = keras.distribution.DataParallel(devices=keras.distribution.list_devices()[:devices])
    keras.distribution.set_distribution(distribution)
    keras.utils.set_random_seed(0)
    model = sandwich(networks=True, qstep_range=(8, 40), seed=3, rate_model="gaussian")
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")
    backup = keras.callbacks.BackupAndRestore(f"{folder}/{name}", delete_checkpoint=False)
    history = model.fit(
        pictures, batch_size=4, epochs=2, shuffle=False, verbose=0, callbacks=[backup, *callbacks]
    )
    logs = {key: values[-1] for key, values in history.history.items()}
    weights = [np.asarray(weight).ravel() for weight in model.get_weights()]
    used = {len(v.value.sharding.device_set) for v in model.trainable_variables}
    return model, logs, np.concatenate(weights), used


_, one, alone, _ = train("one", 1)
model, four, together, used = train("four", 4)
train("resumed", 4, Stop())
_, resumed, again, _ = train("resumed", 4)
model.save(f"{folder}/model.keras")
keras.distribution.set_distribution(None)
loaded = keras.saving.load_model(f"{folder}/model.keras")
read = np.concatenate([np.asarray(weight).ravel() for weight in loaded.get_weights()])
print(json.dumps({
    "devices": len(jax.devices()),
    "used": sorted(used),
    "one": one,
    "four": four,
    "resumed": resumed,
    "gamma": float(keras.ops.convert_to_numpy(model.gamma)),
    "off": float(np.abs(together - alone).max()),
    "off_resumed": float(np.abs(again - together).max()),
    "off_read": float(np.abs(read - together).max()),
}))
"""


@pytest.mark.skipif(BACKEND != "jax", reason="Keras distributes on JAX")
def test_four_devices_train_as_one(tmp_path, monkeypatch):
    flags = f"--xla_force_host_platform_device_count={DEVICES} {os.environ.get('XLA_FLAGS', '')}"
    monkeypatch.setenv("XLA_FLAGS", flags)
    said = json.loads(run_on("jax", TRAINING, str(tmp_path)).splitlines()[-1])
    assert (said["devices"], said["used"]) == (DEVICES, [DEVICES])
    # Sums over four parts of a batch are rounded otherwise.
    assert said["off"] < 1e-5
    assert said["off_resumed"] == said["off_read"] == 0.0
    assert said["resumed"] == said["four"]
    assert set(said["one"]) >= {"loss", "bpp", "psnr", "qstep", "distortion"}
    assert said["four"] == pytest.approx(said["one"], rel=1e-4)
    assert said["one"]["qstep"] > 8
