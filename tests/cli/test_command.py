import json
import os
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import pytest

import keras_sandwich as ks
import keras_sandwich_command
from keras_sandwich import cli
from keras_sandwich_command import main, make_parser, size_in_bytes

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("encode", "decode", "info", "train", "evaluate")


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


def test_help_imports_neither_the_package_nor_numpy(tmp_path):
    command = tmp_path / "keras-sandwich"  # as the installed command is written
    command.write_text("import sys\nfrom keras_sandwich_command import main\nsys.exit(main())\n")
    outcome = run(["-X", "importtime", str(command)], "--help")
    assert outcome.returncode == 0
    assert "encode" in outcome.stdout
    imported = {line.rpartition("|")[2].strip() for line in outcome.stderr.splitlines()}
    assert "keras_sandwich_command" in imported
    heavy = {"keras_sandwich", "keras", "numpy", "PIL", "torch", "tensorflow", "jax"}
    assert not imported & heavy


def test_the_version_is_the_package_s(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"keras-sandwich {ks.__version__}\n"


def test_every_command_has_its_module():
    modules = {module.name for module in pkgutil.iter_modules(cli.__path__)}
    assert set(COMMANDS) <= modules


def test_the_installed_command_is_main():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"keras-sandwich": "keras_sandwich_command:main"}


@pytest.mark.once
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
    ("command", "suffix", "shown", "low", "high"),
    [
        ("encode", ".jpg", "step, 1 to 255", 1, 255),
        *(("encode", suffix, "101 − quality, 1 to 101", 1, 101) for suffix in (".webp", ".avif")),
        ("encode", ".heic", "101 − quality, 1 to 101", 1, 101),
        ("evaluate", ".jxl", "distance, 0.01 to 25", 0.01, 25),
    ],
)
def test_strengths_are_as_help_says(capsys, command, suffix, shown, low, high):
    assert main([command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert shown in text
    assert suffix in text.partition("larger is a smaller file")[2]
    codec = ks.codecs.codec_for(suffix)()
    for strength in (low, high):
        assert codec.with_strength(strength).strength == strength
    for strength in (low / 2, 2 * high):
        with pytest.raises(ValueError, match="strength"):
            codec.with_strength(strength)


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


@pytest.mark.parametrize(
    ("installed", "settings", "environment", "expected"),
    [
        ({"torch", "jax"}, None, None, "torch"),
        ({"torch", "tensorflow"}, None, None, "tensorflow"),
        ({"torch", "jax"}, '{"backend": "jax"}', None, "jax"),
        ({"jax"}, '{"backend": "tensorflow"}', None, "jax"),
        ({"jax"}, "no JSON", None, "jax"),
        (set(), None, None, None),
        ({"torch", "jax"}, None, "jax", "jax"),
    ],
)
def test_the_command_takes_an_installed_backend(
    tmp_path, monkeypatch, installed, settings, environment, expected
):
    """Whoever has no TensorFlow and runs a command need not know of Keras' backends."""
    monkeypatch.setattr(
        keras_sandwich_command, "find_spec", lambda name: name if name in installed else None
    )
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", environment or "")
    if environment is None:
        monkeypatch.delenv("KERAS_BACKEND")
    if settings is not None:
        (tmp_path / "keras.json").write_text(settings)
    keras_sandwich_command._choose_backend()
    assert os.environ.get("KERAS_BACKEND") == expected
