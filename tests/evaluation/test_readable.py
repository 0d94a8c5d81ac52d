"""Names of no encoding, as Python has them from the file system."""

import os
import sys

import pytest

from keras_sandwich.evaluation.readable import readable


@pytest.mark.skipif(sys.platform == "win32", reason="names there are UTF-16")
def test_bytes_of_no_encoding_are_written_out():
    assert readable(os.fsdecode(b"caf\xe9 \xff.png")) == r"caf\xe9 \xff.png"


def test_what_can_be_read_stays():
    for text in ("", "plain.png", "γ – 写真 😀.png", "back\\xe9slash"):
        assert readable(text) == text
    assert readable("\ud800 alone") == r"\ud800 alone"
    readable("\udc80\udfff").encode("utf-8")
