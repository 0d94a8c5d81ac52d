"""The command line: `keras-sandwich train | evaluate | encode | decode | info`."""

import importlib
import json
import os
import pkgutil
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from keras_sandwich.cli.parser import make_parser

__all__ = ["main"]

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    0: done; 1: it failed, said in a line on stderr; 2: wrong usage; 130: interrupted.

    Example:

    ```python
    from keras_sandwich.cli import main

    assert main(["encode", "--help"]) == 0
    ```

    Args:
        arguments: what follows the command's name; None: those of the process.

    Returns:
        The exit code.
    """
    try:
        options = make_parser().parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _choose_backend()
            _import_rooms()
            module, _, function = options.run.partition(":")
            return int(getattr(importlib.import_module(module), function)(options))
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # a line for whoever called, of whatever kind it is
        _say(f"error: {error or type(error).__name__}")
        return FAILED


def _choose_backend() -> None:
    """An installed backend, where nobody chose one and Keras would look for TensorFlow in vain."""
    os.environ.setdefault(
        "TF_CPP_MIN_LOG_LEVEL", "2"
    )  # TensorFlow's greetings are no messages of ours
    if "keras" in sys.modules or "KERAS_BACKEND" in os.environ:
        return
    try:
        settings = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "keras.json")
        chosen = json.loads(settings.read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        chosen = "tensorflow"
    for backend in (chosen, "tensorflow", "torch", "jax"):
        if find_spec(backend) is not None:
            os.environ["KERAS_BACKEND"] = backend
            return


def _import_rooms() -> None:
    """Imports the whole package, so that Keras knows its layers; not before, so that help is at hand at once."""
    package = importlib.import_module("keras_sandwich")
    for module in pkgutil.iter_modules(package.__path__):
        if module.ispkg:
            importlib.import_module(f"keras_sandwich.{module.name}")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"warning: {message}")


def _say(text: str) -> None:
    print(f"keras-sandwich: {' '.join(text.split())}", file=sys.stderr)
