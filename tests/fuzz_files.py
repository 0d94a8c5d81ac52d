"""Feeds damaged coded files to the reader: any error but ValueError and OSError fails, as do much time and memory.

python tests/fuzz_files.py [--seconds 60 | --inputs 500] [--seed 0]

With atheris installed its engine chooses what to try, by what the code then does; without it a seeded loop mutates real
files. The input that failed is written to `fuzz_failure.bin` in the working folder.
"""

import argparse
import contextlib
import io
import random
import re
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image
from small_models import sandwich
from tiff_files import tiff

import keras_sandwich as ks
from keras_sandwich.files.payload import Payload
from keras_sandwich.pictures import read_picture, read_srgb

SLOWEST = 20.0  # seconds for one input, on a machine that is busy
MOST_MEMORY = 4096  # MiB of the process, Keras and its backend included; a picture of the largest size has 512
WORDS = (
    *(b"urn:keras-sandwich#", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"]]>", b"</rdf:RDF>"),
    *(b"1000000000x1000000000", b"0x0", b"-1x-1", b"\xff\xd8\xff", b"ftypavif", b"ftypheic"),
    *(b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"ICC_PROFILE\0", b"VP8X", b"iloc"),
)


def seeds(folder: Path, model: ks.models.CompressIntraModel) -> list[bytes]:
    """A coded file of each format that can be written, a picture of each kind, and metadata alone."""
    pixels = ks.datasets.sample_images("test")[0, 20:51, 40:77]
    Image.fromarray(np.ascontiguousarray(pixels)).save(folder / "picture.png")
    files = [(folder / "picture.png").read_bytes()]
    for suffix in ("jpg", "webp", "avif", "heic"):
        try:
            ks.encode_file(folder / "picture.png", folder / f"a.{suffix}", model, strength=30)
        except ImportError as error:
            print(error)
            continue
        files.append((folder / f"a.{suffix}").read_bytes())
    for kind in ("GIF", "TIFF", "JPEG2000"):
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind)
        files.append(buffer.getvalue())
    deep = pixels.astype("uint16") * np.uint16(257)
    files.append(tiff(deep, 16, photometric=2))
    buffer = io.BytesIO()
    Image.fromarray(deep[..., 0]).save(buffer, "PNG")
    gray = buffer.getvalue()
    coding = b"cICP" + bytes([12, 13, 0, 1])  # Display P3
    chunk = struct.pack(">I", 4) + coding + struct.pack(">I", zlib.crc32(coding))
    files.append(gray[:33] + chunk + gray[33:])
    files.append(Image.open(folder / "a.jpg").info["xmp"])
    return files


class Target:
    """Everything that reads bytes which anybody may have written."""

    def __init__(self, folder: Path, model: ks.models.CompressIntraModel) -> None:
        self.folder = folder
        self.model = model
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0

    def __call__(self, data: bytes) -> None:
        began = time.monotonic()
        for name in ("metadata", "decode", "source"):
            try:
                getattr(self, name)(data)
                self.outcomes[f"{name}: read"] += 1
            except (ValueError, OSError):
                self.outcomes[f"{name}: refused"] += 1
        seconds = time.monotonic() - began
        self.slowest = max(self.slowest, seconds)
        if seconds > SLOWEST:
            raise RuntimeError(f"An input of {len(data)} bytes took {seconds:.1f} seconds.")
        if peak_memory() > MOST_MEMORY:
            raise RuntimeError(f"An input of {len(data)} bytes took {peak_memory()} MiB of memory.")

    def metadata(self, data: bytes) -> None:
        Payload.from_xmp(data)

    def decode(self, data: bytes) -> None:
        file = self.folder / "coded.bin"
        file.write_bytes(data)
        ks.files.read_info(file)
        ks.decode_file(file, self.folder / "restored.png", self.model, accept_altered=True)

    def source(self, data: bytes) -> None:
        file = self.folder / "source.bin"
        file.write_bytes(data)
        read_picture(file, background="white")
        read_srgb(file)


def peak_memory() -> int:
    """MiB of this process at most until now."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux's ru_maxrss begins with that of the process which started this one
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def mutated(files: list[bytes], generator: random.Random) -> bytes:
    """One of the files with some damage; the checksum of its metadata is put right now and then."""
    data = bytearray(generator.choice(files))
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        place = generator.randrange(len(data) + 1)
        kind = generator.randrange(7)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << generator.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = generator.randrange(256)
        elif kind == 2:
            del data[place : place + generator.choice((1, 4, 64, len(data)))]
        elif kind == 3:
            data[place:place] = generator.choice(WORDS)
        elif kind == 4:
            word = generator.choice(WORDS)
            data[place : place + len(word)] = word
        elif kind == 5:
            other = generator.choice(files)
            start = generator.randrange(len(other))
            data[place:place] = other[start : start + generator.choice((1, 16, 256))]
        else:
            data = bytearray(with_other_fields(bytes(data), generator))
    return bytes(data)


def with_other_fields(data: bytes, generator: random.Random) -> bytes:
    """The file with a number in its metadata replaced, so that what lies behind the checksum is reached too."""
    found = re.search(rb"<rdf:RDF.*?</rdf:RDF>", data, re.DOTALL)
    if found is None:
        return data
    packet = re.sub(
        rb"s:size='[^']*'",
        b"s:size='%s'" % generator.choice((b"1x1", b"37x31", b"9999999x9999999", b"65535x65535")),
        found[0],
    )
    packet = packet.replace(
        b'"JPEG"', generator.choice((b'"JPEG"', b'"X"', b"1", b"[[[[", b'{"bits":16}'))
    )
    packet = re.sub(rb"s:check='[^']*'", b"s:check='%s'" % checksum(packet), packet)
    return data[: found.start()] + packet + data[found.end() :]


def checksum(packet: bytes) -> bytes:
    """What `Payload.from_xmp` says that it expected."""
    try:
        Payload.from_xmp(packet)
    except ValueError as error:
        expected = re.search(r"expected '([0-9a-f]{8})'", str(error))
        if expected:
            return expected[1].encode()
    return b"00000000"


def loop(target: Target, files: list[bytes], seconds: float, inputs: int | None, seed: int) -> int:
    """Runs mutated files until the time is over, or so many; returns how many."""
    generator = random.Random(seed)
    end, executions = time.monotonic() + seconds, 0
    while time.monotonic() < end if inputs is None else executions < inputs:
        data = mutated(files, generator)
        try:
            target(data)
        except BaseException:
            Path("fuzz_failure.bin").write_bytes(data)
            raise
        executions += 1
    return executions


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--inputs", type=int, help="so many, however long they take, of the loop")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = sandwich(bottleneck_channels=3, downsample_factor=2)
        files = seeds(folder, model)
        target = Target(folder, model)
        began = time.monotonic()
        atheris = None
        if options.inputs is None:
            with contextlib.suppress(ImportError):
                import atheris
        if atheris is None:
            executions = loop(target, files, options.seconds, options.inputs, options.seed)
        else:
            (folder / "corpus").mkdir()
            for number, file in enumerate(files):
                (folder / "corpus" / str(number)).write_bytes(file)
            arguments = [f"-max_total_time={options.seconds:.0f}", f"-seed={options.seed + 1}"]
            atheris.Setup([sys.argv[0], str(folder / "corpus"), *arguments], target)
            atheris.instrument_all()
            atheris.Fuzz()  # ends the process
        print(f"{executions} inputs in {time.monotonic() - began:.0f} s, none failed.")
        print(f"Slowest: {target.slowest:.2f} s. Most memory: {peak_memory()} MiB.")
        for outcome, number in sorted(target.outcomes.items()):
            print(f"  {outcome}: {number}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        traceback.print_exc()
        sys.exit(1)
