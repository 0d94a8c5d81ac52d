import json

import keras
import numpy as np
import pytest

import keras_sandwich as ks
from keras_sandwich.callbacks import TrainingBudget
from keras_sandwich.cli import train
from keras_sandwich_command import main, make_parser

TRAINING = ["--crop-size", "32", "--batch-size", "2", "--filters", "3", "--steps", "4"]


@pytest.mark.parametrize(
    ("scenario", "options", "shape"),
    [
        ("grayscale", [], (1, 32, 48, 1)),
        ("low-resolution", ["--factor", "4", "--chroma", "4:4:4"], (1, 8, 12, 3)),
        ("low-resolution", [], (1, 16, 24, 3)),
        ("colour", ["--gamma", "9"], (1, 32, 48, 3)),
    ],
)
def test_scenarios(scenario, options, shape):
    arguments = ["train", "a", "b", "--scenario", scenario, "--filters", "3", "5", *options]
    model = train.make_model(make_parser().parse_args(arguments))
    assert model.compute_output_shape((1, 32, 48, 3))["bottleneck"] == shape
    # γ is the slope times the product of the range's ends.
    gamma = {"grayscale": 0.5 * 8 * 96, "low-resolution": 1.1 * 3 * 48, "colour": 9}[scenario]
    assert float(keras.ops.convert_to_numpy(model.gamma)) == pytest.approx(gamma)
    assert model.qstep_range == ((3, 48) if scenario == "low-resolution" else (8, 96))
    sampling = "4:4:4" if scenario == "grayscale" or "4:4:4" in options else "4:2:0"
    assert model.codec_proxy.proxy.chroma_subsampling == sampling
    assert model.postprocessor.unet.encoder_filters == (3, 5)
    assert model.preprocessor.macroblock == (
        16 if shape[1:3] in ((32, 48), (16, 24)) and scenario != "colour" else 1
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("scenario", "option", "reason"),
    [
        ("grayscale", ["--chroma", "4:2:0"], "no chroma to subsample. Received --chroma 4:2:0"),
        ("depth", ["--chroma", "4:2:0"], "no chroma to subsample. Received --chroma 4:2:0"),
        ("depth", ["--reduction", "2"], "trained on as they are. Received --reduction 2"),
        ("grayscale", ["--factor", "4"], "Received --factor 4 with --scenario grayscale"),
        ("colour", ["--factor", "2"], "Received --factor 2 with --scenario colour"),
    ],
)
def test_options_that_a_scenario_would_ignore(tmp_path, pictures, capsys, scenario, option, reason):
    target = tmp_path / "model.keras"
    arguments = ["train", str(pictures), str(target), "--scenario", scenario, *TRAINING, *option]
    assert main(arguments) == 1
    assert reason in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.once
@pytest.mark.parametrize(("scenario", "suffix"), [("depth", ".npy"), ("high-bit-depth", ".png")])
def test_training_on_more_than_8_bits(tmp_path, scenario, suffix):
    (tmp_path / "in").mkdir()
    for number in range(2):
        file = tmp_path / "in" / f"{number}{suffix}"
        depth = ks.datasets.synthetic_depth(40, 48, number)
        if scenario == "depth":
            np.save(file, depth)
        else:
            codec = ks.codecs.PNG(bits=16)
            file.write_bytes(codec.encode(np.repeat(depth[..., None], 3, axis=-1)))
    arguments = ["train", str(tmp_path / "in"), str(tmp_path / "model"), "--scenario", scenario]
    assert main([*arguments, *TRAINING]) == 0
    model = ks.models.CompressIntraModel.from_preset(tmp_path / "model")
    assert model.num_truncate_bits == 8
    assert model.key_channels == ((1,) if scenario == "depth" else (3,))


def test_training_makes_a_sandwich_for_files(tmp_path, pictures, capsys):
    target = tmp_path / "model.keras"
    arguments = ["train", str(pictures), str(target), "--scenario", "colour", *TRAINING]
    assert main(arguments) == 0
    assert not list(tmp_path.glob("*.training"))
    capsys.readouterr()
    assert main(["info", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["coded channels"] == 3
    ks.encode_file(pictures / "a.png", tmp_path / "a.jpg", target, strength=9)
    ks.decode_file(tmp_path / "a.jpg", tmp_path / "a.png", target)
    assert main(arguments) == 1
    assert "there already" in capsys.readouterr().err


@pytest.mark.once
def test_a_training_that_diverges_saves_nothing(tmp_path, pictures, capsys):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING, "--learning-rate", "1e30"]
    assert main(arguments) == 1
    assert "diverged" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.once
@pytest.mark.parametrize("what", ["loss", "weights"])
def test_a_divergence_spares_what_was_kept_before(tmp_path, pictures, capsys, monkeypatch, what):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING]
    ended = train._RefuseDivergence.on_epoch_end

    def diverged(refusal, epoch, logs):
        if epoch == 3 and what == "weights":  # after its last step: the epoch's loss is finite
            refusal.model.trainable_weights[0].assign(refusal.model.trainable_weights[0] * np.nan)
        ended(refusal, epoch, {"loss": np.inf} if epoch == 3 and what == "loss" else logs)

    with monkeypatch.context() as patched:
        patched.setattr(train._RefuseDivergence, "on_epoch_end", diverged)
        assert main(arguments) == 1
        assert "diverged in epoch 4" in capsys.readouterr().err
        assert main(arguments) == 1  # what is kept is of epoch 3, not the model that diverged
        output = capsys.readouterr().out
        assert "Epoch 4/4" in output
        assert "Epoch 3/4" not in output
    assert not target.exists()
    assert main(arguments) == 0
    model = ks.models.CompressIntraModel.from_preset(target)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_a_training_that_was_killed_goes_on(tmp_path, pictures, capsys, monkeypatch):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING]
    began = TrainingBudget.on_epoch_begin

    def killed(budget, epoch, logs=None):
        began(budget, epoch, logs)
        if epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TrainingBudget, "on_epoch_begin", killed)
        assert main(arguments) == 130
    assert not target.exists()
    assert (tmp_path / "preset.training").exists()
    capsys.readouterr()
    assert main([*arguments, "--gamma", "9"]) == 1
    assert "begun with gamma=None" in capsys.readouterr().err
    assert main(arguments) == 0
    output = capsys.readouterr().out
    assert "Epoch 3/4" in output
    assert "Epoch 2/4" not in output
    assert not (tmp_path / "preset.training").exists()
    ks.models.CompressIntraModel.from_preset(target)


@pytest.mark.once
def test_arguments_that_no_training_began_with_can_be_put_right(
    tmp_path, pictures, capsys, monkeypatch
):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING]

    def wrong(options):
        raise ValueError("a wrong gamma")

    with monkeypatch.context() as patched:
        patched.setattr(train, "make_model", wrong)
        assert main([*arguments, "--gamma", "9"]) == 1
        assert "a wrong gamma" in capsys.readouterr().err
    assert main(arguments) == 0
    model = ks.models.CompressIntraModel.from_preset(target)
    assert float(keras.ops.convert_to_numpy(model.gamma)) == 384.0


@pytest.mark.once
def test_a_training_whose_model_cannot_be_saved_is_not_lost(
    tmp_path, pictures, capsys, monkeypatch
):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING]

    def full(*_, **__):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(ks.models.CompressIntraModel, "save_to_preset", full)
        assert main(arguments) == 1
    capsys.readouterr()
    assert main(arguments) == 0
    assert "Epoch" not in capsys.readouterr().out
    assert not (tmp_path / "preset.training").exists()
    ks.models.CompressIntraModel.from_preset(target)
