"""What a coded file says about itself: which network restores it, to what size, and how to know that it is unharmed."""

import base64
import dataclasses
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from keras_sandwich.files.stated_values import StatedValues
from keras_sandwich.files.xmp import NAMESPACE, NOT_XML, read_fields, write_fields

FORMAT_VERSION = 1
MAX_PROFILE_BYTES = 2**22
MAX_SIDE = 2**24
MAX_LIBRARY = 500

DIGEST = re.compile(r"[0-9a-f]{32}")
CHECKSUM = re.compile(r"[0-9a-f]{8}")
WRITTEN_CHECKSUMS = re.compile(rb"( s:(?:file|check)=')[0-9a-f]{8}(?=')")
SIZE = re.compile(r"([1-9][0-9]{0,7})x([1-9][0-9]{0,7})")
QSTEP = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
ALWAYS_STATED = ("class", "quality")  # a strength is named even where it is the default
HOLDS = re.compile(r"(normal-map|material [1-9]/[1-9]) (opengl|directx)")
PRESET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")

# Values that are known once the file is there. They stand in it at a fixed length, so its size does not depend on them.
NO_DIGEST = "0" * 32
NO_CHECKSUM = "0" * 8


class NotACodedFile(ValueError):
    """The file carries no metadata of this package."""


@dataclass(frozen=True)
class Payload:
    """The metadata of a coded file.

    Attributes:
        network: the first 32 hexadecimal digits of the fingerprint of the network that restores.
        output_size: (height, width) of the restored picture.
        settings: the codec: its class by "class", and the arguments that are not its defaults.
        library: the codec's libraries and their versions.
        preset: the bundled preset that holds the network, or None.
        qstep: the quantizer step that the network is told, where it is conditioned on it, or None.
        holds: what is restored where it is no picture, such as "normal-map opengl", or None.
        profile: the picture's ICC profile where the coded file cannot hold it itself, or None.
        values: what the restored samples mean where they are distances or radiance, or None: a picture.
        pixels: the first 32 hexadecimal digits of the SHA-256 of the pixels that the codec decodes, see `pixel_digest`.
        file: the CRC-32 of the whole file, this value and `check` written as zeros in it.
    """

    network: str
    output_size: tuple[int, int]
    settings: Mapping[str, Any]
    library: str
    preset: str | None = None
    qstep: float | None = None
    holds: str | None = None
    profile: bytes | None = None
    values: StatedValues | None = None
    pixels: str = NO_DIGEST
    file: str = NO_CHECKSUM

    def to_xmp(self, sealed: bool = True) -> bytes:
        """The XMP packet; with zeros for its own checksum unless `sealed`."""
        height, width = self.output_size
        fields = {"version": str(FORMAT_VERSION), "network": self.network}
        if self.preset is not None:
            fields["preset"] = self.preset
        fields["size"] = f"{width}x{height}"
        if self.qstep is not None:
            fields["qstep"] = f"{round(self.qstep, 3):g}"
        if self.holds is not None:
            fields["holds"] = self.holds
        fields["codec"] = json.dumps(dict(self.settings), separators=(",", ":"), sort_keys=True)
        fields["library"] = self.library
        if self.profile is not None:
            packed = base64.b64encode(zlib.compress(self.profile, 9))
            fields["profile"] = packed.decode("ascii")
        if self.values is not None:
            fields["values"] = self.values.to_json()
        fields["pixels"] = self.pixels
        fields["file"] = self.file
        return write_fields({**fields, "check": _checksum(fields) if sealed else NO_CHECKSUM})

    @classmethod
    def from_xmp(cls, xmp: bytes) -> "Payload":
        """Reads what `to_xmp` wrote.

        Raises:
            NotACodedFile: the packet has no fields of this package.
            ValueError: another version of the format, or damage.
        """
        try:
            fields = read_fields(xmp)
        except ValueError as error:
            if NAMESPACE.encode() not in xmp:
                raise NotACodedFile("the XMP metadata is not of keras-sandwich") from error
            raise ValueError(f"The metadata is damaged. {error}") from error
        if not fields:
            raise NotACodedFile("the XMP metadata has no fields of keras-sandwich")
        version = fields.get("version", "")
        if re.fullmatch("[0-9]{1,9}", version) and int(version) != FORMAT_VERSION:
            raise ValueError(
                f"Expected version {FORMAT_VERSION} of the format. Received a file of version "
                f"{int(version)}; decode it with another release of keras-sandwich."
            )
        check = fields.pop("check", "")
        if check != _checksum(fields):
            raise ValueError(
                "The metadata is damaged: its checksum differs. Received "
                f"{check[:40]!r}, expected {_checksum(fields)!r}; get the file anew."
            )
        if version != str(FORMAT_VERSION):
            raise _wrong(fields, "version")
        return cls._from_fields(fields)

    @classmethod
    def _from_fields(cls, fields: Mapping[str, str]) -> "Payload":
        size = SIZE.fullmatch(fields.get("size", ""))
        for name, pattern in (("network", DIGEST), ("pixels", DIGEST), ("file", CHECKSUM)):
            if not pattern.fullmatch(fields.get(name, "")):
                raise _wrong(fields, name)
        if size is None or max(map(int, size.groups())) > MAX_SIDE:
            raise _wrong(fields, "size")
        library = fields.get("library", "")
        if len(library) > MAX_LIBRARY or NOT_XML.search(library):
            raise _wrong(fields, "library")
        qstep = fields.get("qstep")
        if qstep is not None and not (QSTEP.fullmatch(qstep) and float(qstep) > 0):
            raise _wrong(fields, "qstep")
        preset = fields.get("preset")
        if preset is not None and not PRESET.fullmatch(preset):
            raise _wrong(fields, "preset")
        holds = fields.get("holds")
        if holds is not None and not HOLDS.fullmatch(holds):
            raise _wrong(fields, "holds")
        return cls(
            network=fields["network"],
            output_size=(int(size[2]), int(size[1])),
            settings=_settings(fields),
            library=library,
            preset=preset,
            qstep=None if qstep is None else float(qstep),
            holds=holds,
            profile=_profile(fields),
            values=_values(fields),
            pixels=fields["pixels"],
            file=fields["file"],
        )


def stated_settings(codec: Any) -> dict[str, Any]:
    """The codec's settings, without those that are its class's defaults: they would only make the file larger."""
    defaults: dict[str, Any] = {}
    if dataclasses.is_dataclass(codec):
        defaults = {field.name: field.default for field in dataclasses.fields(codec)}
    return {
        name: value
        for name, value in codec.settings.items()
        if value is not None
        and (name in ALWAYS_STATED or name not in defaults or value != defaults[name])
    }


def pixel_digest(pixels: np.ndarray) -> str:
    """32 hexadecimal digits of the SHA-256 of "HEIGHTxWIDTHxCHANNELSxBYTES " and the samples.

    BYTES are those of a sample, 1 or 2, written little-endian; the samples follow each other as in a C array.
    """
    samples = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    height, width, channels = pixels.shape
    digest = hashlib.sha256(f"{height}x{width}x{channels}x{samples.itemsize} ".encode())
    digest.update(samples.data)
    return digest.hexdigest()[:32]


def seal(file: bytes, payload: Payload, pixels: str) -> bytes:
    """Puts the checksums into a file that was written with `payload.to_xmp(sealed=False)`; no other byte changes."""
    blank = payload.to_xmp(sealed=False)
    if file.count(blank) != 1:
        raise ValueError(
            "The codec must store the XMP metadata once, byte for byte. "
            f"Received a file that holds it {file.count(blank)} times."
        )
    known = replace(payload, pixels=pixels)
    checksum = zlib.crc32(file.replace(blank, known.to_xmp(sealed=False)))
    return file.replace(blank, replace(known, file=f"{checksum:08x}").to_xmp())


def is_unaltered(file: bytes, xmp: bytes, payload: Payload) -> bool:
    """Whether every byte of the file is as `seal` left it; `xmp` is the packet that stands in it.

    The packet is not written anew to compare: another zlib packs a profile into other bytes.
    """
    blank = WRITTEN_CHECKSUMS.sub(rb"\g<1>" + NO_CHECKSUM.encode(), xmp)
    return file.count(xmp) == 1 and payload.file == f"{zlib.crc32(file.replace(xmp, blank)):08x}"


def _checksum(fields: Mapping[str, str]) -> str:
    lines = "".join(f"{name}={fields[name]}\n" for name in sorted(fields))
    return f"{zlib.crc32(lines.encode('utf-8', 'surrogatepass')):08x}"


def _settings(fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        settings = json.loads(fields.get("codec", ""))
    except (ValueError, RecursionError) as error:
        raise _wrong(fields, "codec") from error
    if not isinstance(settings, dict) or not isinstance(settings.get("class"), str):
        raise _wrong(fields, "codec")
    return settings


def _profile(fields: Mapping[str, str]) -> bytes | None:
    if "profile" not in fields:
        return None
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(
            base64.b64decode(fields["profile"], validate=True), MAX_PROFILE_BYTES
        )
    except (ValueError, zlib.error) as error:
        raise _wrong(fields, "profile") from error
    if not unpacker.eof:
        raise _wrong(fields, "profile")
    return profile


def _values(fields: Mapping[str, str]) -> StatedValues | None:
    if "values" not in fields:
        return None
    try:
        return StatedValues.from_json(fields["values"])
    except ValueError as error:
        raise _wrong(fields, "values") from error


def _wrong(fields: Mapping[str, str], name: str) -> ValueError:
    return ValueError(
        f"The metadata is damaged: its field {name!r} is missing or not as it should be. "
        f"Received {fields.get(name, '')[:80]!r}."
    )
