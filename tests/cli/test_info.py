import json

import keras

import keras_sandwich as ks
from keras_sandwich_command import main


def test_info_of_a_file(tmp_path, pictures, model, capsys):
    info = ks.encode_file(pictures / "a.png", tmp_path / "a.jpg", model, strength=9)
    assert main(["info", str(tmp_path / "a.jpg"), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["network"] == info.network
    assert about["output size"] == "56×40"
    assert about["settings"] == {"class": "JPEG", "qstep": 9}
    assert main(["info", str(tmp_path / "a.jpg")]) == 0
    lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["file size"].strip() == str(info.file_size)
    assert lines["unaltered"].strip() == "yes"


def test_info_of_the_installation(capsys):
    assert main(["info", "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["backend"] == keras.backend.backend()
    assert about["JPEG"] == ks.codecs.JPEG().version
    assert about["presets"] == ks.presets.names()
