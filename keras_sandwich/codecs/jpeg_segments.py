"""Segments of a JPEG file: where XMP and ICC profiles stand (XMP part 3, 1.1.3; ICC.1, Annex B.4)."""

from collections.abc import Iterator

XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
ICC_HEADER = b"ICC_PROFILE\x00"
MAX_SEGMENT = 65533  # bytes after the two that say how many
MAX_PROFILE = 255 * (MAX_SEGMENT - 14)  # 255 segments with headers of 14 bytes
APP1, APP2, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xE2, 0xDA, 0xD9


def read_segments(data: bytes) -> tuple[bytes | None, bytes | None]:
    """XMP and ICC profile of a file, each None where it has none; ValueError for damage."""
    xmp, parts = None, dict[int, bytes]()
    total = 0
    for marker, payload in _segments(data):
        if marker == APP1 and payload.startswith(XMP_HEADER):
            xmp = xmp or payload[len(XMP_HEADER) :]
        elif marker == APP2 and payload.startswith(ICC_HEADER) and len(payload) >= 14:
            number, total = payload[12:14]
            parts[number] = payload[14:]
    if sorted(parts) != list(range(1, total + 1)):
        raise ValueError(
            f"Expected an ICC profile in segments 1 to {total}. Received {sorted(parts)}."
        )
    return xmp or None, b"".join(parts[number] for number in sorted(parts)) or None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of the segments of a JPEG file before its first scan."""
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ValueError(f"Not a readable JPEG file: no marker at byte {place}.")
        marker, size = data[place + 1], int.from_bytes(data[place + 2 : place + 4])
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            return
        if size < 2 or place + 2 + size > len(data):
            raise ValueError(f"Not a readable JPEG file: a segment of {size} bytes at {place}.")
        yield marker, data[place + 4 : place + 2 + size]
        place += 2 + size
    raise ValueError("Not a readable JPEG file: it ends before its first scan.")


def xmp_segment(xmp: bytes) -> bytes:
    """The segment that holds an XMP packet; ValueError for one that is too long."""
    payload = XMP_HEADER + xmp
    if len(payload) > MAX_SEGMENT:
        raise ValueError(
            f"JPEG holds XMP of up to {MAX_SEGMENT - len(XMP_HEADER)} bytes. Received {len(xmp)}."
        )
    return b"\xff\xe1" + (2 + len(payload)).to_bytes(2) + payload
