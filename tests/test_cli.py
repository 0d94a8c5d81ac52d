import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from photographs import photographs
from PIL import Image, ImageCms
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.callbacks import TrainingBudget
from keras_sandwich.cli import coding, main, training
from keras_sandwich.cli.parser import make_parser, size_in_bytes

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("encode", "decode", "info", "train", "evaluate")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A preset's folder."""
    folder = tmp_path_factory.mktemp("presets") / "gray"
    sandwich().save_to_preset(folder)
    return str(folder)


@pytest.fixture
def pictures(tmp_path):
    """A folder of three pictures, one of them in a folder of its own."""
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    for name, pixels in zip(
        ("a.png", "b.webp", "deeper/c.png"), photographs(3, 40, 56), strict=True
    ):
        Image.fromarray(pixels).save(folder / name, lossless=True)
    return folder


def files_in(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def run(script, *arguments):
    environment = {**os.environ, "KERAS_BACKEND": keras.backend.backend(), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_has_an_example(capsys, command):
    assert main([command, "--help"] if command else ["--help"]) == 0
    text = capsys.readouterr().out
    if command is None:
        assert all(name in text for name in COMMANDS)
        return
    example = text.partition("example:\n")[2].split()
    assert example[:2] == ["keras-sandwich", command]
    make_parser().parse_args(example[1:])


@pytest.mark.parametrize("as_module", [True, False])
def test_help_imports_neither_keras_nor_numpy(tmp_path, as_module):
    script = ["-X", "importtime", "-m", "keras_sandwich"]
    if not as_module:  # as the installed command is written
        command = tmp_path / "keras-sandwich"
        command.write_text("import sys\nfrom keras_sandwich.cli import main\nsys.exit(main())\n")
        script = ["-X", "importtime", str(command)]
    outcome = run(script, "--help")
    assert outcome.returncode == 0
    assert "encode" in outcome.stdout
    imported = {line.rpartition("|")[2].strip() for line in outcome.stderr.splitlines()}
    assert "keras_sandwich.cli" in imported
    assert not imported & {"keras", "numpy", "PIL", "torch", "tensorflow", "jax"}


def test_the_installed_command_is_main():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'keras-sandwich = "keras_sandwich.cli:main"' in project


def test_the_command_knows_every_layer(tmp_path, model):
    model_file = tmp_path / "model.keras"
    ks.models.CompressIntraModel.from_preset(model).save(model_file)
    outcome = run(["-m", "keras_sandwich"], "info", str(model_file), "--json")
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["coded channels"] == 1
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["encode"],
        ["encode", "a", "b", "--model", "m"],
        ["encode", "a", "b", "--model", "m", "--strength", "5", "--target-size", "5k"],
        ["encode", "a", "b", "--model", "m", "--target-size", "5x"],
        ["encode", "a", "b", "--model", "m", "--target-size", 400 * "9"],
        ["encode", "a", "b", "--model", "m", "--bits-per-pixel", "nan"],
        ["train", "a", "b", "--steps", "0"],
        ["train", "a", "b", "--steps", "5", "--minutes", "2"],
        ["nothing"],
    ],
)
def test_wrong_usage(capsys, arguments):
    assert main(arguments) == 2
    assert "usage: keras-sandwich" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("40000", 40000),
        ("40k", 40000),
        ("40kB", 40000),
        ("1M", 10**6),
        ("1.5M", 1_500_000),
        ("7B", 7),
    ],
)
def test_sizes(text, size):
    assert size_in_bytes(text) == size


def test_a_file_there_and_back(tmp_path, pictures, model, capsys):
    coded, restored = tmp_path / "a.jpg", tmp_path / "a.png"
    arguments = ["encode", str(pictures / "a.png"), str(coded), "--model", model]
    assert main([*arguments, "--target-size", "1.5k"]) == 0
    assert coded.stat().st_size <= 1500
    assert f"{coded.stat().st_size} bytes" in capsys.readouterr().out
    ks.encode_file(pictures / "a.png", tmp_path / "b.jpg", model, target_size=1500)
    assert (tmp_path / "b.jpg").read_bytes() == coded.read_bytes()
    assert main(["decode", str(coded), str(restored), "--model", model]) == 0
    ks.decode_file(coded, tmp_path / "b.png", model)
    assert np.array_equal(
        np.asarray(Image.open(restored)), np.asarray(Image.open(tmp_path / "b.png"))
    )


def test_a_folder_there_and_back(tmp_path, pictures, model, capsys):
    coded, restored = tmp_path / "coded", tmp_path / "restored"
    arguments = ["encode", str(pictures), str(coded), "--model", model, "--bits-per-pixel", "6"]
    assert main([*arguments, "--format", "webp"]) == 0
    assert files_in(coded) == ["a.webp", "b.webp", "deeper/c.webp"]
    assert "3 of 3 files written" in capsys.readouterr().out
    assert main(["decode", str(coded), str(restored), "--model", model]) == 0
    assert files_in(restored) == ["a.png", "b.png", "deeper/c.png"]
    assert all(Image.open(restored / name).size == (56, 40) for name in files_in(restored))


def test_a_bad_picture_does_not_stop_the_others(tmp_path, pictures, model, capsys):
    (pictures / "bad.png").write_bytes(b"no picture")
    Image.new("RGB", (8, 8)).save(pictures / "a.bmp")
    arguments = [
        "encode",
        str(pictures),
        str(tmp_path / "coded"),
        "--model",
        model,
        "--strength",
        "9",
    ]
    assert main(arguments) == 1
    assert files_in(tmp_path / "coded") == ["a.jpg", "b.jpg", "deeper/c.jpg"]
    output = capsys.readouterr()
    assert "3 of 5 files written" in output.out
    failures = [
        line for line in output.err.splitlines() if line.startswith("keras-sandwich: failed")
    ]
    assert len(failures) == 2
    assert any("bad.png' cannot be coded" in line for line in failures)
    assert any("a.png' would be written to" in line for line in failures)


@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_a_failure_names_its_file(tmp_path, pictures, model, capsys, monkeypatch, kind):
    def refuse(source, *arguments, **options):
        if source.name == "a.png":
            raise kind("the encoder could not be opened")
        return ks.encode_file(source, *arguments, **options)

    monkeypatch.setattr(coding, "encode_file", refuse)
    arguments = ["encode", str(pictures), str(tmp_path / "coded"), "--model", model]
    assert main([*arguments, "--strength", "9"]) == 1
    assert files_in(tmp_path / "coded") == ["b.jpg", "deeper/c.jpg"]
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.endswith("a.png: the encoder could not be opened")


def test_a_folder_without_the_library_of_its_progress(
    tmp_path, pictures, model, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    arguments = ["encode", str(pictures), str(tmp_path / "coded"), "--model", model]
    assert main([*arguments, "--strength", "9"]) == 1
    assert "keras-sandwich[codecs]" in capsys.readouterr().err


def test_a_format_that_the_name_spells_otherwise(tmp_path, pictures, model):
    target = tmp_path / "a.JPEG"
    arguments = ["encode", str(pictures / "a.png"), str(target), "--model", model]
    assert main([*arguments, "--strength", "9", "--format", "jpg"]) == 0
    assert Image.open(target).format == "JPEG"


def test_failures_are_said_in_a_line(tmp_path, pictures, model, capsys):
    for arguments, reason in (
        (
            ["encode", str(tmp_path / "no.png"), "a.jpg", "--model", model, "--strength", "9"],
            "no.png",
        ),
        (
            ["encode", str(pictures), str(pictures / "x"), "--model", model, "--strength", "9"],
            "outside",
        ),
        (["decode", str(pictures / "a.png"), str(tmp_path / "x.png")], "no JPEG"),
        (
            ["encode", str(pictures), str(pictures / "a.png"), "--model", model, "--strength", "9"],
            "written to a folder",
        ),
        (
            [
                "encode",
                str(pictures / "a.png"),
                "a.jpg",
                "--model",
                model,
                "--strength",
                "9",
                "--format",
                "webp",
            ],
            "--format is for folders",
        ),
        (["info", "nothing"], "no bundled preset"),
        (["info", str(tmp_path / "nothing.keras")], "nothing.keras"),
        (["info", str(pictures / "a.png")], "no JPEG"),
        (
            ["train", str(tmp_path / "nowhere"), str(tmp_path / "x"), "--steps", "1"],
            "no such folder",
        ),
    ):
        assert main(arguments) == 1
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("keras-sandwich: error: ")
        assert reason in lines[0]


def test_warnings_are_said_in_a_line(tmp_path, pictures, model, capsys):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.open(pictures / "a.png").save(tmp_path / "a.png", icc_profile=srgb)
    ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", model, strength=9)
    assert main(["decode", str(tmp_path / "a.jpg"), str(tmp_path / "a.bmp"), "--model", model]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-sandwich: warning: A .bmp file cannot hold")


def test_an_interruption(tmp_path, pictures, model, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(coding, "encode_file", interrupt)
    arguments = [
        "encode",
        str(pictures),
        str(tmp_path / "coded"),
        "--model",
        model,
        "--strength",
        "9",
    ]
    assert main(arguments) == 130
    assert "interrupted" in capsys.readouterr().err
    assert files_in(tmp_path / "coded") == []


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


TRAINING = ["--crop-size", "32", "--batch-size", "2", "--filters", "3", "--steps", "4"]


@pytest.mark.parametrize(
    ("scenario", "options", "shape"),
    [
        ("grayscale", [], (1, 32, 48, 1)),
        ("low-resolution", ["--factor", "4", "--chroma", "4:2:0"], (1, 8, 12, 3)),
        ("low-resolution", [], (1, 16, 24, 3)),
        ("colour", ["--gamma", "9"], (1, 32, 48, 3)),
    ],
)
def test_scenarios(scenario, options, shape):
    arguments = ["train", "a", "b", "--scenario", scenario, "--filters", "3", "5", *options]
    model = training.make_model(make_parser().parse_args(arguments))
    assert model.compute_output_shape((1, 32, 48, 3))["bottleneck"] == shape
    gamma = {"grayscale": 450, "low-resolution": 400, "colour": 9}[scenario]
    assert float(keras.ops.convert_to_numpy(model.gamma)) == gamma
    sampling = "4:2:0" if "4:2:0" in options else "4:4:4"
    assert model.codec_proxy.proxy.chroma_subsampling == sampling
    assert model.postprocessor.unet.encoder_filters == (3, 5)
    assert model.preprocessor.coding_unit == (16 if scenario == "grayscale" else 1)


@pytest.mark.parametrize(
    ("scenario", "option", "reason"),
    [
        ("grayscale", ["--chroma", "4:2:0"], "no chroma to subsample. Received --chroma 4:2:0"),
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


def test_a_training_that_diverges_saves_nothing(tmp_path, pictures, capsys):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING, "--learning-rate", "1e30"]
    assert main(arguments) == 1
    assert "diverged" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize("what", ["loss", "weights"])
def test_a_divergence_spares_what_was_kept_before(tmp_path, pictures, capsys, monkeypatch, what):
    target = tmp_path / "preset"
    arguments = ["train", str(pictures), str(target), *TRAINING]
    ended = training._RefuseDivergence.on_epoch_end

    def diverged(refusal, epoch, logs):
        if epoch == 3 and what == "weights":  # after its last step: the epoch's loss is finite
            refusal.model.trainable_weights[0].assign(refusal.model.trainable_weights[0] * np.nan)
        ended(refusal, epoch, {"loss": np.inf} if epoch == 3 and what == "loss" else logs)

    with monkeypatch.context() as patched:
        patched.setattr(training._RefuseDivergence, "on_epoch_end", diverged)
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


def test_evaluation_without_matplotlib_measures_nothing(
    tmp_path, pictures, model, capsys, monkeypatch
):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["evaluate", model, str(pictures), str(tmp_path / "results")]) == 1
    output = capsys.readouterr()
    assert "keras-sandwich[plots]" in output.err
    assert "sandwich" not in output.out


def test_evaluation(tmp_path, pictures, model, capsys):
    pytest.importorskip("matplotlib")
    shutil.rmtree(pictures / "deeper")
    target = tmp_path / "results"
    arguments = ["evaluate", model, str(pictures), str(target), "--strengths", "4", "8", "16", "32"]
    assert main([*arguments, "--rates", "1", "--metrics", "ssim-rgb"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--rates", "1", "--metrics", "psnr-rgb", "ssim-rgb"]) == 0
    table = capsys.readouterr().out
    assert (target / "table.txt").read_text(encoding="utf-8") in table
    for name in (
        *("sandwich", "classical_chain_no_networks"),
        *("codec_alone", "codec_alone_luma_only"),
    ):
        curve = ks.evaluation.load_results(target / f"{name}.json")
        assert set(curve.strengths) <= {4, 8, 16, 32}
        assert curve.pictures == ["a.png", "b.webp"]
    direct = ks.evaluation.rd_curve(
        ks.models.CompressIntraModel.from_preset(model),
        list(ks.datasets.load_images(pictures).values()),
        ks.codecs.JPEG(),
        [4, 8, 16, 32],
        verbose=0,
    )
    saved = ks.evaluation.load_results(target / "sandwich.json")
    assert np.array_equal(saved.bpp, direct.bpp)
    assert np.array_equal(saved.psnr, direct.psnr)
    assert Image.open(target / "psnr-rgb.png").size[0] > 500
    assert "<html" in (target / "report.html").read_text(encoding="utf-8")
