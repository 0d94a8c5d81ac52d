import json

import h5py
import keras
import numpy as np
import pytest
from photographs import photographs
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.models import CompressIntraModel
from keras_sandwich.presets import fingerprint

PICTURES = photographs(2, 24, 30)


def saved(folder, **options):
    model = sandwich(networks=True, **options)
    model.save_to_preset(folder, "For tests.", {"psnr": [27.5, 30.0]}, codec="JPEG 4:0:0")
    return model


def edit(folder, name, change):
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))


def test_what_comes_back(tmp_path):
    model = saved(tmp_path / "new" / "preset", downsample_factor=2, gamma=70.0)
    again = CompressIntraModel.from_preset(tmp_path / "new" / "preset")
    assert fingerprint(again) == fingerprint(model)
    assert float(keras.ops.convert_to_numpy(again.gamma)) == 70.0
    codec = ks.codecs.JPEG(qstep=6)
    ours, theirs = (ks.transport(made, PICTURES, codec)["prediction"] for made in (model, again))
    assert np.array_equal(ours, theirs)
    metadata = json.loads((tmp_path / "new" / "preset" / "metadata.json").read_text())
    assert metadata == {
        "format": 1,
        "keras_sandwich": ks.__version__,
        "keras": keras.__version__,
        "description": "For tests.",
        "measured": {"psnr": [27.5, 30.0]},
        "codec": "JPEG 4:0:0",
        "parameters": {
            "model": model.count_params(),
            "preprocessor": model.preprocessor.count_params(),
            "postprocessor": model.postprocessor.count_params(),
        },
        "fingerprints": {
            "model": fingerprint(model),
            "preprocessor": fingerprint(model.preprocessor),
            "postprocessor": fingerprint(model.postprocessor),
        },
    }


def test_what_float16_holds_exactly_takes_half_the_bytes(tmp_path):
    model = sandwich(networks=True)
    rng = np.random.default_rng(0)
    for weight in model.weights:  # the biases of numbers that float16 does not hold
        values = rng.normal(size=weight.shape)
        weight.assign(values.astype("float16" if weight.name == "kernel" else "float32"))
    model.save_to_preset(tmp_path, "For tests.")
    stored = {1: set(), 4: set()}

    def note(_, entry):
        if isinstance(entry, h5py.Dataset) and entry.ndim in stored:
            stored[entry.ndim].add(str(entry.dtype))

    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(note)
    assert stored[4] == {"float16"}
    assert "float32" in stored[1]
    again = CompressIntraModel.from_preset(tmp_path)
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(*(keras.ops.convert_to_numpy(w) for w in (ours, theirs)))


def test_without_a_side_and_with_several_keys(tmp_path):
    post = ks.models.Postprocessor(4, downsample_factor=1)
    model = CompressIntraModel(None, post, ks.layers.EncodeDecodeIntra(), model_keys=("a", "b"))
    model.build({"a": (None, None, None, 3), "b": (None, None, None, 1)})
    model.save_to_preset(tmp_path)
    again = CompressIntraModel.from_preset(str(tmp_path))
    assert fingerprint(again) == fingerprint(model)
    assert again.key_slices() == {"a": slice(0, 3), "b": slice(3, 4)}
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["fingerprints"]["preprocessor"] is None
    assert metadata["measured"] == {}


def test_a_loss_of_the_user_s_own_is_not_asked_for(tmp_path):
    model = sandwich()
    model.compile("sgd", loss=lambda target, prediction: target - prediction)
    model.save_to_preset(tmp_path)
    assert not CompressIntraModel.from_preset(tmp_path).compiled


def test_unknown_names_and_folders(tmp_path):
    bundled = ks.presets.names()
    listed = ", ".join(map(repr, bundled)) if bundled else "none are bundled"
    with pytest.raises(ValueError, match=rf"{listed}.*folder.*Received 'gray_nothing'"):
        CompressIntraModel.from_preset("gray_nothing")
    with pytest.raises(ValueError, match=r"is no preset: it lacks config\.json"):
        CompressIntraModel.from_preset(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_damaged_folders(tmp_path, name):
    saved(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    message = "is damaged" if name.endswith("json") else "cannot be read: .* It was saved by"
    with pytest.raises(ValueError, match=message):
        CompressIntraModel.from_preset(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=f"lacks {name}"):
        CompressIntraModel.from_preset(tmp_path)


def test_other_weights_than_those_saved(tmp_path):
    model = saved(tmp_path / "preset")
    model.postprocessor.mlp.linear.bias.assign_add(np.full(12, 1e-6, "float32"))
    model.save_weights(tmp_path / "preset" / "model.weights.h5", overwrite=True)
    with pytest.raises(ValueError, match=r"is not what was saved.*fingerprint .*Copy the whole"):
        CompressIntraModel.from_preset(tmp_path / "preset")
    sandwich(networks=True, bottleneck_channels=2).save_weights(
        tmp_path / "preset" / "model.weights.h5", overwrite=True
    )
    with pytest.raises(ValueError, match="cannot be read"):
        CompressIntraModel.from_preset(tmp_path / "preset")


def test_other_versions(tmp_path):
    saved(tmp_path)
    edit(tmp_path, "metadata.json", lambda m: m.update(format=2, keras_sandwich="3.0"))
    with pytest.raises(ValueError, match=r"format 2; .*reads format 1.*keras_sandwich 3\.0"):
        CompressIntraModel.from_preset(tmp_path)
    edit(tmp_path, "metadata.json", lambda m: m.update(format=1))
    edit(tmp_path, "config.json", lambda c: c["config"].update(new_argument=3))
    with pytest.raises(
        ValueError, match=r"cannot be made: .*new_argument.*here are keras_sandwich"
    ):
        CompressIntraModel.from_preset(tmp_path)


def test_what_is_no_sandwich(tmp_path):
    saved(tmp_path)
    edit(tmp_path, "config.json", lambda c: c.update(registered_name="keras_sandwich>UNet"))
    with pytest.raises(ValueError, match=r"Expected .*CompressIntraModel. Received .*UNet"):
        CompressIntraModel.from_preset(tmp_path)


@pytest.mark.parametrize(
    ("module", "class_name"), [("os", "system"), ("keras.utils", "get_file"), ("builtins", "eval")]
)
def test_nothing_unknown_is_imported(tmp_path, module, class_name):
    saved(tmp_path)
    gadget = {"module": module, "class_name": class_name, "config": {}, "registered_name": None}
    edit(tmp_path, "config.json", lambda c: c["config"].update(loop_filter=gadget))
    with pytest.raises(ValueError, match=rf"asks for {module}\.{class_name}, which is neither"):
        CompressIntraModel.from_preset(tmp_path)


def test_code_is_not_executed(tmp_path):
    code = keras.layers.Lambda(lambda x: x)
    model = CompressIntraModel(code, None, ks.layers.EncodeDecodeIntra())
    model.build((None, None, None, 3))
    model.save_to_preset(tmp_path)
    with pytest.raises(ValueError, match="asks for the layer Lambda, which runs code"):
        CompressIntraModel.from_preset(tmp_path)


@pytest.mark.parametrize("module", ["keras.layers", "keras.src.layers.anywhere", None])
@pytest.mark.parametrize("layer", ["TorchModuleWrapper", "TFSMLayer", "StringLookup"])
def test_layers_of_keras_that_run_code_or_read_files(tmp_path, module, layer):
    saved(tmp_path)
    gadget = {"module": module, "class_name": layer, "config": {}, "registered_name": None}
    inner = {"module": "keras", "class_name": "Sequential", "config": {"layers": [gadget]}}
    edit(tmp_path, "config.json", lambda c: c["config"].update(loop_filter=inner))
    with pytest.raises(ValueError, match=rf"asks for the layer {layer}, which runs code or reads"):
        CompressIntraModel.from_preset(tmp_path)


def test_an_interrupted_saving_leaves_the_preset_that_was_there(tmp_path, monkeypatch):
    model = saved(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = sandwich(networks=True, downsample_factor=2)

    def interrupted(path, **_):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(other, "save_weights", interrupted)
    with pytest.raises(KeyboardInterrupt):
        other.save_to_preset(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    monkeypatch.undo()
    other.save_to_preset(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before)
    assert fingerprint(CompressIntraModel.from_preset(tmp_path)) != fingerprint(model)


def test_what_cannot_be_saved(tmp_path):
    unbuilt = ks.models.create_basic_model(1, use_unet_preprocessor=False)
    with pytest.raises(ValueError, match="Only a model that is built"):
        unbuilt.save_to_preset(tmp_path / "a")
    with pytest.raises(ValueError, match=r"itself holds keras\. Choose other names"):
        sandwich().save_to_preset(tmp_path / "a", keras="mine")
    with pytest.raises(ValueError, match="must be what JSON can hold"):
        sandwich().save_to_preset(tmp_path / "a", measured={"psnr": np.zeros(2)})
    assert not (tmp_path / "a").exists()
