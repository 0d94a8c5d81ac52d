"""Names of the file system as text that anybody can read."""

import re

_SURROGATES = re.compile("[\ud800-\udfff]")


def readable(text: str) -> str:
    r"""A text whose bytes of no encoding, in Python lone surrogates, are written out: "caf\xe9.png"."""
    return _SURROGATES.sub(lambda found: _written_out(ord(found[0])), text)


def _written_out(code: int) -> str:
    # os.fsdecode keeps the byte b as U+DC00 + b.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
