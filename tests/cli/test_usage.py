import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import keras_sandwich as ks
from keras_sandwich.cli import main
from keras_sandwich.cli.parser import make_parser, size_in_bytes

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
