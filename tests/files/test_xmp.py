import contextlib
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sandwich.files.xmp import MAX_BYTES, NAMESPACE, RDF, read_fields, write_fields

DESCRIPTION = f"<rdf:RDF xmlns:rdf='{RDF}'><rdf:Description xmlns:s='{NAMESPACE}'{{}}</rdf:RDF>"

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"], max_codepoint=0xD7FF)
)


def test_an_xml_parser_reads_what_is_written():
    fields = {"a": "1", "b": 'it\'s <"&amp;"> 2×3', "c": '{"qstep":8}'}
    root = ElementTree.fromstring(write_fields(fields))
    (description,) = root
    assert root.tag == f"{{{RDF}}}RDF"
    assert description.tag == f"{{{RDF}}}Description"
    assert description.attrib == {
        f"{{{RDF}}}about": "",
        **{f"{{{NAMESPACE}}}{name}": text for name, text in fields.items()},
    }


@given(st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), texts, max_size=5))
@settings(max_examples=50, deadline=None)
def test_every_text_comes_back(fields):
    assert read_fields(write_fields(fields)) == fields


@pytest.mark.parametrize("text", ["\0", "a\nb", "\ud800", "\x85"])
def test_what_xml_would_change_is_not_written(text):
    with pytest.raises(ValueError, match="cannot be written"):
        write_fields({"a": text})


def test_elements_are_read_as_attributes_are():
    element = DESCRIPTION.format("><s:a>x</s:a><s:b>y&lt;</s:b></rdf:Description>")
    packet = f"<?xpacket begin='\ufeff'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>{element}</x:xmpmeta><?xpacket end='w'?>"
    assert read_fields(packet.encode() + b"\0") == {"a": "x", "b": "y<"}


def test_only_the_own_namespace_counts():
    other = DESCRIPTION.format(
        " xmlns:o='urn:other' o:a='1' s:b='2'><o:c>3</o:c></rdf:Description>"
    )
    assert read_fields(other.encode()) == {"b": "2"}
    assert read_fields(b"<a xmlns:s='%s' s:b='2'/>" % NAMESPACE.encode()) == {}


@pytest.mark.parametrize(
    ("xmp", "reason"),
    [
        (b"", "not well-formed"),
        (b"<a>", "not well-formed"),
        (b"\xff\xfe<", "not well-formed"),
        (b"<?xml version='1.0' encoding='nonsense'?><a/>", "not well-formed"),
        (DESCRIPTION.format(" s:a='1'><s:a>2</s:a></rdf:Description>").encode(), "twice"),
        (b"<!DOCTYPE a><a/>", "document type"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        (
            "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>".encode("utf-16"),
            "document type",
        ),
        (b"<a>" * 40 + b"</a>" * 40, "more elements"),
        (b"<a>" + b"<b/>" * 3000 + b"</a>", "more elements"),
        (b" " * (MAX_BYTES + 1), "at most"),
    ],
)
def test_what_is_refused(xmp, reason):
    with pytest.raises(ValueError, match=reason):
        read_fields(xmp)


def test_entities_do_not_multiply():
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    bomb = f"<!DOCTYPE a [<!ENTITY l0 'ha'>{laughs}]><a>&l9;</a>".encode()
    with pytest.raises(ValueError, match="document type"):
        read_fields(bomb)


@given(
    st.binary(max_size=300) | st.text(alphabet="<>/&;'= abs:!?[]-", max_size=200).map(str.encode)
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(ValueError):
        read_fields(data)
