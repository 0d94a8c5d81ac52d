"""Which kind of coded file it is, and what stands in its header: nothing is decoded."""

from dataclasses import dataclass

from keras_sandwich.codecs.header import Header
from keras_sandwich.codecs.registry import FileFormat, coded_formats, format_of, listed

CODED_SUFFIXES = tuple(suffix for kind in coded_formats() for suffix in kind.suffixes)


@dataclass(frozen=True)
class Container:
    """A coded file of which the header is read."""

    format: FileFormat
    header: Header


def read_container(data: bytes) -> Container:
    """Reads the header of a file of a kind that can carry metadata. Anything else, or damage, raises ValueError."""
    kind = format_of(data)
    if kind is None or not kind.carries_metadata:
        names = listed([known.name for known in coded_formats()])
        raise ValueError(f"it is no {names} file")
    try:
        return Container(kind, kind.codec.read_header(data))
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # parsers raise whatever they stumble over
        raise ValueError(f"it is damaged, its header cannot be read: {error}") from error
