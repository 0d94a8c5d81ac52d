"""What may be written on the command line. Nothing here imports Keras, so that help is at hand at once."""

import argparse
import math
import re
from pathlib import Path

SCENARIOS = ("grayscale", "low-resolution", "colour")
CODED = ("jpg", "webp", "avif", "heic")
METRICS = ("psnr-rgb", "psnr-luma", "ssim-rgb", "ms-ssim-rgb")
RESTORED = ("png", "webp", "tif")

MODEL_HELP = "a bundled preset's name, a preset's folder, or a .keras file"


def make_parser() -> argparse.ArgumentParser:
    """The parser; `options.run` names the function of the command."""
    parser = argparse.ArgumentParser(
        prog="keras-sandwich",
        description="Sandwiched compression: neural networks before and after a standard image codec.",
    )
    parser.add_argument("--version", action="version", version=f"keras-sandwich {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_encode(commands)
    _add_decode(commands)
    _add_info(commands)
    _add_train(commands)
    _add_evaluate(commands)
    return parser


def _version() -> str:
    from keras_sandwich import __version__

    return __version__


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: str,
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example:\n  keras-sandwich {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=f"keras_sandwich.cli.{run}")
    return command


def _add_encode(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "encode",
        "coding:encode",
        "write pictures as ordinary image files that a sandwich restores",
        "photo.png photo.jpg --model runs/gray --bits-per-pixel 0.5",
    )
    command.add_argument("source", type=Path, help="a picture, or a folder of them")
    command.add_argument("target", type=Path, help="the file to write, or a folder for a folder")
    command.add_argument("--model", required=True, help=MODEL_HELP)
    goal = command.add_mutually_exclusive_group(required=True)
    goal.add_argument(
        "--bits-per-pixel",
        type=_positive,
        metavar="B",
        help="the largest file of at most B bits per pixel, all its bytes counted",
    )
    goal.add_argument("--strength", type=_positive, metavar="S", help="the codec's strength")
    goal.add_argument(
        "--target-size",
        type=size_in_bytes,
        metavar="BYTES",
        help="the largest file of at most so many bytes; 40k is 40,000, 1M is 1,000,000",
    )
    command.add_argument("--format", choices=CODED, help="of the files of a folder (default: jpg)")
    command.add_argument(
        "--background",
        metavar="COLOUR",
        help="lay transparent pixels on this colour, such as white or #808080",
    )
    command.add_argument(
        "--no-profile", action="store_true", help="leave the ICC profile out: the file is smaller"
    )
    _add_tile_size(command)


def _add_decode(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "decode",
        "coding:decode",
        "restore the pictures of files that `encode` wrote",
        "photo.jpg restored.png --model runs/gray",
    )
    command.add_argument("source", type=Path, help="a coded file, or a folder of them")
    command.add_argument("target", type=Path, help="the picture to write, or a folder for a folder")
    command.add_argument("--model", help=f"{MODEL_HELP}; not needed where the file names a preset")
    command.add_argument("--format", choices=RESTORED, help="of a folder's pictures (default: png)")
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
        "describing:info",
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
        "training:train",
        "train a sandwich on a folder of pictures; killed and started again, it goes on",
        "photographs runs/gray --scenario grayscale --minutes 20",
    )
    command.add_argument("pictures", type=Path, help="a folder of pictures")
    command.add_argument("target", type=Path, help="the preset's folder to write, or a .keras file")
    command.add_argument(
        "--scenario",
        choices=SCENARIOS,
        default="grayscale",
        help="colour over a grayscale codec (the default), high over low resolution, or colour over "
        "a colour codec",
    )
    budget = command.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=_positive, default=20.0, help="(default: 20)")
    budget.add_argument("--steps", type=_whole, help="how many steps, instead of minutes")
    command.add_argument(
        "--gamma", type=_positive, help="what a bit is worth (default: the scenario's)"
    )
    command.add_argument(
        "--chroma",
        choices=("4:4:4", "4:2:2", "4:2:0"),
        help="the colour codec's chroma subsampling (default: 4:4:4); not for grayscale",
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
    command.add_argument("--batch-size", type=_whole, default=8, help="(default: 8)")
    command.add_argument(
        "--reduction",
        type=_whole,
        default=1,
        help="reduce the pictures by this factor first (default: 1)",
    )
    command.add_argument(
        "--learning-rate", type=_positive, default=1.5e-3, help="(default: 0.0015)"
    )
    command.add_argument("--seed", type=int, default=0, help="(default: 0)")


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = _add(
        commands,
        "evaluate",
        "evaluating:evaluate",
        "measure a sandwich against the codec alone and the chain without networks",
        "runs/gray photographs results --format jpg",
    )
    command.add_argument("model", help=MODEL_HELP)
    command.add_argument("pictures", type=Path, help="a folder of pictures")
    command.add_argument("target", type=Path, help="the folder to write the results to")
    command.add_argument("--format", choices=CODED, default="jpg", help="(default: jpg)")
    command.add_argument(
        "--strengths",
        type=_positive,
        nargs="+",
        metavar="S",
        help="of the codec (default: about a dozen over its range)",
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
        choices=METRICS,
        default=["psnr-rgb"],
        help="what to measure (default: psnr-rgb)",
    )
    _add_tile_size(command)


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
