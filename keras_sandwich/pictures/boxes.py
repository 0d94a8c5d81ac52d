"""Boxes of the ISO base media file format (ISO/IEC 14496-12), of which AVIF and JPEG 2000 files are made."""

from collections.abc import Iterator

Box = tuple[bytes, bytes]  # kind and content


def boxes(data: bytes) -> Iterator[Box]:
    """The boxes that follow each other in these bytes, up to the first that is damaged."""
    place = 0
    while place + 8 <= len(data):
        size, kind, content = (
            int.from_bytes(data[place : place + 4]),
            data[place + 4 : place + 8],
            8,
        )
        if size == 1:
            size, content = int.from_bytes(data[place + 8 : place + 16]), 16
        elif size == 0:  # to the end
            size = len(data) - place
        if size < content or place + size > len(data):
            return
        yield kind, data[place + content : place + size]
        place += size


def find_box(data: bytes, kind: bytes) -> bytes:
    """The content of the first box of a kind; no bytes if there is none."""
    return next((content for found, content in boxes(data) if found == kind), b"")


def primary_properties(data: bytes) -> list[Box]:
    """The properties of the primary item of a file (ISO/IEC 23008-12, 9.3), such as `colr`."""
    meta = find_box(data, b"meta")[4:]
    primary = find_box(meta, b"pitm")
    number = int.from_bytes(primary[4:8] if primary[:1] == b"\1" else primary[4:6])
    properties = find_box(meta, b"iprp")
    listed = list(boxes(find_box(properties, b"ipco")))
    places = _associated(find_box(properties, b"ipma"), number)
    return [listed[place - 1] for place in places if 0 < place <= len(listed)]


def _associated(table: bytes, number: int) -> list[int]:
    """The places of an item's properties in the list of all, from 1 on: ItemPropertyAssociation."""
    wide_items, wide_places = table[:1] > b"\0", bool(table[3:4] > b"\0" and table[3] & 1)
    place, count = 8, int.from_bytes(table[4:8])
    for _ in range(count):
        width = 4 if wide_items else 2
        item = int.from_bytes(table[place : place + width])
        place += width
        if place >= len(table):
            break
        entries = table[place]
        place += 1
        width = 2 if wide_places else 1
        found = [
            int.from_bytes(table[start : start + width]) & (0x7FFF if wide_places else 0x7F)
            for start in range(place, place + width * entries, width)
        ]
        if item == number:
            return found
        place += width * entries
    return []
