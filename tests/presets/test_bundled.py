"""Which presets are bundled; those of a test lie where the package would have them."""

import json
import shutil
from pathlib import Path

import pytest
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.presets import bundled as room


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """A folder in the package's place, with two presets and what is none."""
    sandwich().save_to_preset(tmp_path / "gray", "Colour over grayscale.", {"gain": 1.9})
    shutil.copytree(tmp_path / "gray", tmp_path / "another")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "README.md").write_text("no preset")
    monkeypatch.setattr(room, "_bundled", lambda: tmp_path)
    return tmp_path


def test_the_package_s_own_are_whole():
    room = Path(ks.presets.__file__).parent
    folders = {path.name for path in room.iterdir() if (path / "config.json").exists()}
    assert ks.presets.names() == sorted(folders)
    for name in ks.presets.names():
        about = ks.presets.describe(name)
        assert about["description"]
        model = ks.models.CompressIntraModel.from_preset(name)
        assert ks.presets.fingerprint(model.postprocessor) == about["fingerprints"]["postprocessor"]


def test_names_and_descriptions(bundled):
    assert ks.presets.names() == ["another", "gray"]
    about = ks.presets.describe("gray")
    assert about == json.loads((bundled / "gray" / "metadata.json").read_text())
    assert about["measured"] == {"gain": 1.9}
    with pytest.raises(ValueError, match=r"one of 'another', 'gray', or the path.*Received 'grey'"):
        ks.presets.describe("grey")


def test_a_name_is_a_bundled_preset_before_it_is_a_folder(bundled, tmp_path, monkeypatch):
    here = tmp_path / "elsewhere"
    (here / "gray").mkdir(parents=True)
    monkeypatch.chdir(here)
    model = ks.models.CompressIntraModel.from_preset("gray")
    expected = ks.presets.describe("gray")["fingerprints"]["model"]
    assert ks.presets.fingerprint(model) == expected
    with pytest.raises(ValueError, match="it lacks config"):
        ks.models.CompressIntraModel.from_preset("./gray")
