"""A few named values as an XMP packet, and back, from bytes that anybody may have written."""

import re
from collections.abc import Mapping
from typing import NoReturn
from xml.parsers import expat

NAMESPACE = "urn:keras-sandwich#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

MAX_BYTES = 2**17  # twice what a JPEG segment can hold
MAX_ELEMENTS = 2000
MAX_DEPTH = 32
NOT_XML = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", "'": "&#39;"})


def write_fields(fields: Mapping[str, str]) -> bytes:
    """Names and texts to an XMP packet: attributes of one description, without wrapper and padding."""
    for name, text in fields.items():
        if NOT_XML.search(text):
            raise ValueError(f"The text of {name!r} cannot be written as XMP. Received {text!r}.")
    attributes = "".join(f" s:{name}='{text.translate(_ESCAPES)}'" for name, text in fields.items())
    return (
        f"<rdf:RDF xmlns:rdf='{RDF}'><rdf:Description rdf:about='' xmlns:s='{NAMESPACE}'"
        f"{attributes}/></rdf:RDF>"
    ).encode()


def read_fields(xmp: bytes) -> dict[str, str]:
    """The fields of this package in an XMP packet, whoever wrote it anew; empty where there are none.

    No document type, no entity beyond XML's five, nothing outside the bytes is read; time and memory are bounded by
    `MAX_BYTES`. Anything wrong raises ValueError.
    """
    if len(xmp) > MAX_BYTES:
        raise ValueError(
            f"Expected at most {MAX_BYTES} bytes of XMP metadata. Received {len(xmp)}."
        )
    return _Reader().read(xmp)


class _Reader:
    """Collects the fields: attributes of `rdf:Description`, or elements in it, as some editors write them."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._elements = 0

    def read(self, xmp: bytes) -> dict[str, str]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text_of_element
        parser.StartDoctypeDeclHandler = self._refuse_declaration
        parser.EntityDeclHandler = self._refuse_declaration
        parser.ExternalEntityRefHandler = self._refuse_declaration
        try:
            parser.Parse(xmp.rstrip(b"\0"), True)
        except (expat.ExpatError, LookupError, UnicodeError) as error:
            raise ValueError(f"The XMP metadata is not well-formed: {error}.") from error
        return self.fields

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._path.append(name)
        if self._elements > MAX_ELEMENTS or len(self._path) > MAX_DEPTH:
            raise ValueError("The XMP metadata has more elements than can be meant.")
        self._text = []
        if name == f"{RDF} Description":
            for attribute, text in attributes.items():
                self._keep(attribute, text)

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._path and self._path[-1] == f"{RDF} Description":
            self._keep(name, "".join(self._text))
        self._text = []

    def _keep(self, name: str, text: str) -> None:
        namespace, _, field = name.rpartition(" ")
        if namespace != NAMESPACE:
            return
        if field in self.fields:
            raise ValueError(f"The XMP metadata has {field!r} twice.")
        self.fields[field] = text

    def _text_of_element(self, text: str) -> None:
        self._text.append(text)

    def _refuse_declaration(self, *_: object) -> NoReturn:
        raise ValueError(
            "The XMP metadata declares a document type or an entity, which it may not."
        )
