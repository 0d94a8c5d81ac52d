"""The command `keras-sandwich`: what may be written after it, and how it ends.

A module beside the package: whatever lies within the package imports Keras with it, which takes seconds, and help is
to be at hand at once.
"""

import argparse
import importlib
import io
import json
import math
import os
import re
import runpy
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

SCENARIOS = ("grayscale", "low-resolution", "colour", "depth", "high-bit-depth")

FAILED, INTERRUPTED = 1, 130

MODEL_HELP = "a bundled preset's name, a preset's folder, or a .keras file"
STRENGTH_HELP = (
    "larger is a smaller file: of .jpg the quantizer's step, 1 to 255; "
    "of .webp, .avif and .heic 101 − quality, 1 to 101; of .mp4 the quantizer, to 51 or 63"
)
# What each format of exported networks is written on, where nobody chose a backend; the others, on any but JAX.
EXPORT_FORMATS = {
    "onnx": "torch",
    "openvino": "torch",
    "litert": "tensorflow",
    "tf_saved_model": "tensorflow",
    "torch": "torch",
}
VIDEO_CODECS = ("h264", "hevc", "av1", "vp9")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    0: done; 1: it failed, said in a line on stderr; 2: wrong usage; 130: interrupted.

    Args:
        arguments: what follows the command's name; None: those of the process.

    Returns:
        The exit code.
    """
    _show_every_name()
    try:
        options = make_parser().parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    # TensorFlow's greetings are no messages of ours.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _choose_backend(_backend_for(options))
            command = importlib.import_module(f"keras_sandwich.cli.{options.command}")
            return int(command.run(options))
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # a line for whoever called, of whatever kind it is
        _say(f"error: {error or type(error).__name__}")
        return FAILED


def _backend_for(options: argparse.Namespace) -> str | None:
    """The backend that writes what is asked for, or None where any does."""
    written = {"export": getattr(options, "format", None), "web": "onnx"}.get(options.command)
    return EXPORT_FORMATS.get(written or "")


def _choose_backend(needed: str | None = None) -> None:
    """An installed backend, where nobody chose one and Keras would look for TensorFlow in vain; or what is needed."""
    if "keras" in sys.modules or "KERAS_BACKEND" in os.environ:
        return
    try:
        settings = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "keras.json")
        chosen = json.loads(settings.read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        chosen = "tensorflow"
    for backend in (needed or chosen, chosen, "tensorflow", "torch", "jax"):
        if find_spec(backend) is not None:
            os.environ["KERAS_BACKEND"] = backend
            return


def _show_every_name() -> None:
    """File names may hold what an output's encoding cannot show, or no text at all: that is shown escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"warning: {message}")


def _say(text: str) -> None:
    print(f"keras-sandwich: {' '.join(text.split())}", file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """The parser; `options.command` names the module of `keras_sandwich.cli` that runs."""
    parser = argparse.ArgumentParser(
        prog="keras-sandwich",
        description="Sandwiched compression: neural networks before and after a standard image codec.",
    )
    parser.add_argument("--version", action="version", version=f"keras-sandwich {_version()}")
    commands = parser.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )
    _add_encode(commands)
    _add_decode(commands)
    _add_info(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_export(commands)
    _add_web(commands)
    return parser


def _version() -> str:
    file = Path(__file__).with_name("keras_sandwich") / "_version.py"
    return str(runpy.run_path(str(file))["__version__"])


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:\n  keras-sandwich {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_encode(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "encode",
        "write pictures or videos as ordinary files that a sandwich restores",
        "photo.png photo.jpg --model runs/gray --bits-per-pixel 0.5",
    )
    command.add_argument("source", type=Path, help="a picture, a video, or a folder of pictures")
    command.add_argument(
        "target", type=Path, help="the file to write, .mp4 for a video, or a folder for a folder"
    )
    command.add_argument("--model", required=True, help=MODEL_HELP)
    goal = command.add_mutually_exclusive_group(required=True)
    goal.add_argument(
        "--bits-per-pixel",
        type=_positive,
        metavar="B",
        help="the largest file of at most B bits per pixel, all its bytes counted",
    )
    goal.add_argument("--strength", type=_positive, metavar="S", help=STRENGTH_HELP)
    goal.add_argument(
        "--target-size",
        type=size_in_bytes,
        metavar="BYTES",
        help="the largest file of at most so many bytes; 40k is 40,000, 1M is 1,000,000",
    )
    goal.add_argument(
        "--target-bitrate",
        type=size_in_bytes,
        metavar="BITS",
        help="the largest video of at most so many bits a second, sound not counted; 800k, 2M",
    )
    command.add_argument(
        "--codec", choices=VIDEO_CODECS, help="of a video: h264, which every player takes, is usual"
    )
    command.add_argument(
        "--format",
        metavar="SUFFIX",
        help="of the files of a folder: jpg (the default), webp, avif or heic",
    )
    command.add_argument(
        "--background",
        metavar="COLOUR",
        help="lay transparent pixels on this colour, such as white or #808080",
    )
    command.add_argument(
        "--no-profile", action="store_true", help="leave the ICC profile out: the file is smaller"
    )
    command.add_argument(
        "--effort",
        type=int,
        default=0,
        metavar="N",
        help="passes that refine a .jpg file for its picture: better at as many bits, for seconds of each megapixel "
        "a pass; 16 bring most of it (default: 0)",
    )
    _add_tile_size(command)


def _add_decode(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "decode",
        "restore the pictures and videos of files that `encode` wrote",
        "photo.jpg restored.png --model runs/gray",
    )
    command.add_argument("source", type=Path, help="a coded file, or a folder of them")
    command.add_argument(
        "target",
        type=Path,
        help="the picture to write; .mkv, without loss, or .mp4 for a video; a folder for a folder",
    )
    command.add_argument("--model", help=f"{MODEL_HELP}; not needed where the file names a preset")
    command.add_argument(
        "--format", metavar="SUFFIX", help="of a folder's pictures: png (the default), webp or tif"
    )

    command.add_argument(
        "--accept-altered",
        action="store_true",
        help="restore also what was edited, saved anew, or is read by another decoder",
    )
    _add_tile_size(command)


def _add_info(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "info",
        "describe a coded file, a preset, or what is installed",
        "photo.jpg",
    )
    command.add_argument(
        "subject", nargs="?", help=f"a coded file, or {MODEL_HELP}; nothing: what is installed"
    )
    command.add_argument("--json", action="store_true", help="for programs to read")


def _add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "train",
        "train a sandwich on a folder of pictures; killed and started again, it goes on",
        "photographs runs/gray --scenario grayscale --minutes 20",
    )
    command.add_argument("pictures", type=Path, help="a folder of pictures")
    command.add_argument("target", type=Path, help="the preset's folder to write, or a .keras file")
    command.add_argument(
        "--scenario",
        choices=SCENARIOS,
        default="grayscale",
        help="colour over a grayscale codec (the default), high over low resolution, colour over a colour codec, "
        "maps of depth, or pictures of 16 bits; the last two over a colour codec",
    )
    budget = command.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=_positive, default=20.0, help="(default: 20)")
    budget.add_argument("--steps", type=_whole, help="how many steps, instead of minutes")
    command.add_argument(
        "--gamma", type=_positive, help="what a bit is worth (default: the scenario's)"
    )
    command.add_argument(
        "--qsteps",
        type=_positive,
        nargs=2,
        metavar=("LOWEST", "HIGHEST"),
        help="quantizer steps that the model is for (default: 3 48 for low resolution, 8 64 for depth, "
        "1 16 for 16 bits, else 8 96)",
    )
    command.add_argument(
        "--chroma",
        choices=("4:4:4", "4:2:2", "4:2:0"),
        help="the colour codec's chroma subsampling (default: 4:2:0); of low resolution and colour",
    )
    command.add_argument(
        "--factor", type=_whole, help="of low resolution alone, by how much smaller (default: 2)"
    )
    command.add_argument(
        "--filters",
        type=_whole,
        nargs="+",
        default=[32, 64],
        metavar="N",
        help="channels of the U-Nets on their way down (default: 32 64)",
    )
    command.add_argument("--crop-size", type=_whole, default=128, help="(default: 128)")
    command.add_argument("--batch-size", type=_whole, default=4, help="(default: 4)")
    command.add_argument(
        "--reduction",
        type=_whole,
        default=1,
        help="reduce the pictures by this factor first (default: 1)",
    )
    command.add_argument("--learning-rate", type=_positive, default=1e-3, help="(default: 0.001)")
    command.add_argument("--seed", type=int, default=0, help="(default: 0)")


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "evaluate",
        "measure a sandwich against its linear baseline and the codec alone",
        "runs/gray photographs results --format jpg",
    )
    command.add_argument("model", help=MODEL_HELP)
    command.add_argument("pictures", type=Path, help="a folder of pictures")
    command.add_argument("target", type=Path, help="the folder to write the results to")
    command.add_argument(
        "--format",
        metavar="SUFFIX",
        default="jpg",
        help="of the codec's files: jpg (the default), webp, avif, heic, jp2 or jxl",
    )
    command.add_argument(
        "--strengths",
        type=_positive,
        nargs="+",
        metavar="S",
        help=f"{STRENGTH_HELP}; of .jp2 101 − dB, of .jxl the distance, 0.01 to 25 "
        "(default: about a dozen over the codec's range)",
    )
    command.add_argument(
        "--rates",
        type=_positive,
        nargs="+",
        metavar="B",
        default=[0.25, 0.5, 1.0],
        help="bits per pixel of the table (default: 0.25 0.5 1)",
    )
    command.add_argument(
        "--metrics",
        nargs="+",
        metavar="METRIC",
        default=["psnr-rgb"],
        help="psnr-rgb (the default), psnr-luma, ssim-rgb, ms-ssim-rgb",
    )
    _add_tile_size(command)


def _add_export(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "export",
        "write a sandwich's networks as files that run without Keras",
        "grayscale exported --format onnx --precision float16",
    )
    command.add_argument("model", help=MODEL_HELP)
    command.add_argument("target", type=Path, help="the folder to write to")
    command.add_argument(
        "--format", choices=tuple(EXPORT_FORMATS), default="onnx", help="(default: onnx)"
    )
    command.add_argument(
        "--precision",
        choices=("float32", "float16", "int8"),
        default="float32",
        help="of the weights; what float16 and int8 lose is measured and said (default: float32)",
    )
    command.add_argument(
        "--network", choices=("preprocessor", "postprocessor"), help="one alone (default: both)"
    )
    command.add_argument(
        "--qstep",
        type=_positive,
        metavar="Q",
        help="bake this quantizer step in; without it, it is an input of networks that are told it",
    )
    command.add_argument(
        "--size",
        type=_whole,
        nargs=2,
        metavar=("HEIGHT", "WIDTH"),
        help="for pictures of this size alone, as the format torch must be",
    )
    command.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="to calibrate int8 on and to measure with (default: the bundled photographs)",
    )


def _add_web(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "web",
        "write a static page that restores coded files in the browser",
        "grayscale site --runtime node_modules/onnxruntime-web/dist",
    )
    command.add_argument("model", help=MODEL_HELP)
    command.add_argument("target", type=Path, help="the folder to write to")
    command.add_argument(
        "--runtime",
        type=Path,
        metavar="FOLDER",
        help="the folder of ONNX Runtime Web, which `npm install onnxruntime-web` brings "
        "(default: node_modules/onnxruntime-web/dist)",
    )
    command.add_argument(
        "--precision",
        choices=("float32", "float16"),
        default="float32",
        help="of the network's weights (default: float32)",
    )
    command.add_argument(
        "--samples",
        type=Path,
        nargs="*",
        metavar="FILE",
        help="coded files that the page offers (default: three bundled photographs, encoded now)",
    )


def _add_tile_size(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tile-size",
        type=_whole,
        default=1024,
        help="the networks see so many pixels a side at a time (default: 1024); less takes less memory",
    )


def size_in_bytes(text: str) -> int:
    """40000, 40k, 1M, 1.5M to a number of bytes; k is 1000."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmM]?)[bB]?", text.strip())
    size = float(match[1]) * {"": 1, "k": 1e3, "m": 1e6}[match[2].lower()] if match else 0.0
    if not 1 <= size < math.inf:
        raise argparse.ArgumentTypeError(f"expected bytes, such as 40000, 40k or 1M, not {text!r}")
    return int(size)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"expected a positive number, not {text!r}")
    return value


def _whole(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive whole number, not {text!r}")
    return int(text)
