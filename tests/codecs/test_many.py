"""Many pictures at a time: order, errors, and stopping."""

import signal
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from photographs import photographs

from keras_sandwich.codecs import JPEG, PNG, decode_many, encode_many

PICTURES = list(photographs(6, 24, 32))


@dataclass(frozen=True)
class Watched(PNG):
    """Notes what it codes; its first picture calls something."""

    seen: list = field(default_factory=list)
    first: object = None

    def encode(self, image, *, xmp=None, icc_profile=None):
        self.seen.append(threading.current_thread())
        if len(self.seen) == 1 and self.first:
            self.first()
        time.sleep(0.01)
        return super().encode(image)


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_results_in_the_order_of_the_pictures(workers):
    codec = JPEG(qstep=12)
    files = encode_many(codec, (picture for picture in PICTURES), workers, verbose=0)
    assert files == [codec.encode(picture) for picture in PICTURES]
    decoded = decode_many(codec, files, workers, verbose=0)
    for one, file in zip(decoded, files, strict=True):
        np.testing.assert_array_equal(one, codec.decode(file))


def test_nothing_is_none():
    assert encode_many(JPEG(), [], verbose=0) == decode_many(JPEG(), [], verbose=0) == []


def test_workers_work_at_once():
    together = threading.Barrier(3, timeout=10)

    class Waiting(PNG):
        def encode(self, image, *, xmp=None, icc_profile=None):
            together.wait()  # broken unless three are here
            return b""

    assert encode_many(Waiting(), PICTURES, workers=3, verbose=0) == [b""] * 6


def test_an_error_says_which_picture():
    with pytest.raises(ValueError, match="uint8") as caught:
        encode_many(JPEG(), [*PICTURES[:2], PICTURES[2].astype("float32")], verbose=0)
    assert caught.value.__notes__ == ["Picture 2 of 3."]
    with pytest.raises((ValueError, OSError)) as caught:
        decode_many(JPEG(), [b"no file"], verbose=0)
    assert caught.value.__notes__ == ["File 0 of 1."]


def stop():
    raise ValueError("stop")


def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    time.sleep(0.05)


@pytest.mark.parametrize(
    ("first", "error"),
    [
        (stop, ValueError),
        pytest.param(
            interrupt,
            KeyboardInterrupt,
            marks=pytest.mark.skipif(sys.platform == "win32", reason="no pthread_kill"),
        ),
    ],
)
@pytest.mark.usefixtures("ctrl_c")
def test_it_stops_and_leaves_nothing_running(first, error):
    codec = Watched(first=first)
    before = threading.active_count()
    with pytest.raises(error):
        encode_many(codec, PICTURES * 50, workers=2, verbose=0)
    for _ in range(500):  # a thread that was just being started ends by itself
        if threading.active_count() == before:
            break
        time.sleep(0.01)
    assert threading.active_count() == before
    begun = len(codec.seen)
    assert begun < 100
    time.sleep(0.05)
    assert len(codec.seen) == begun


def test_progress(capsys, monkeypatch):
    encode_many(JPEG(), PICTURES, verbose=1)
    assert "6/6" in capsys.readouterr().err
    encode_many(JPEG(), PICTURES, verbose=0)
    assert not capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r"verbose=0.*keras-sandwich\[codecs\]"):
        encode_many(JPEG(), PICTURES)


@pytest.mark.parametrize("workers", [0, -2])
def test_bad_workers(workers):
    with pytest.raises(ValueError, match="workers"):
        encode_many(JPEG(), PICTURES, workers, verbose=0)
