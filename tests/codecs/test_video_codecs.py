"""Clips through x264, x265, SVT-AV1 and VP9, compared with what PyAV decodes by itself and with H.273's formulas."""

import io
import json
import sys

import numpy as np
import pytest
from clips import moving_clip

from keras_sandwich.codecs import SVTAV1, VP9, X264, X265, VideoCodec

av = pytest.importorskip("av")
FAST = {X264: "superfast", X265: "ultrafast", SVTAV1: 9, VP9: 7}
DECODED_AS = {X264: "h264", X265: "hevc", SVTAV1: "libdav1d", VP9: "vp9"}


def fast(kind, **arguments):
    return kind(preset=FAST[kind], **arguments)


def every_format():
    return [
        pytest.param(
            fast(kind, chroma_subsampling=sampling, bits=bits),
            id=f"{kind.__name__}-{sampling}-{bits}",
        )
        for kind in FAST
        for sampling in kind.subsamplings
        for bits in kind.depths
    ]


KINDS = pytest.mark.parametrize("kind", FAST, ids=lambda kind: kind.__name__)


def decoded_by_itself(file):
    """The frames as PyAV has them, and the packets in the order of the file."""
    with av.open(io.BytesIO(file)) as container:
        packets = [packet for packet in container.demux() if packet.size]
    with av.open(io.BytesIO(file)) as container:
        return list(container.decode(video=0)), packets


@pytest.mark.parametrize(("kind", "name"), [(X264, "h264"), (X265, "hevc")])
def test_bits_are_those_of_the_bare_stream(kind, name):
    """A file of nothing but NAL units behind start codes of four bytes, as FFmpeg makes it of ours."""
    codec = fast(kind, gop="low_delay")
    file = codec.encode(moving_clip(1))
    with av.open(io.BytesIO(file)) as container:
        filters = av.BitStreamFilterContext(f"{name}_mp4toannexb", container.streams.video[0])
        packets = [packet for packet in container.demux() if packet.size]
        bare = b"".join(bytes(part) for packet in packets for part in filters.filter(packet))
    start = b"\0\0\0\1"
    units = bare.count(start)
    short = bare.count(start[1:]) - units  # FFmpeg shortens some start codes
    assert codec.count_bits(file) == 8 * (len(bare) + short)


def planes_of(frame):
    wide = frame.format.name.endswith("le")
    planes = []
    for plane in frame.planes:
        lines = np.frombuffer(plane, "uint16" if wide else "uint8").reshape(plane.height, -1)
        planes.append(lines[:, : plane.width].astype("float64"))
    return planes


def red_green_blue(planes, bits, red=0.2126, blue=0.0722):
    """H.273's formulas, full range; chroma of half the size by what lies between its samples."""
    luma, *chroma = planes
    for number, plane in enumerate(chroma):
        for axis in (0, 1):
            if plane.shape[axis] < luma.shape[axis]:
                at = (np.arange(2 * plane.shape[axis]) - 0.5) / 2
                own = np.arange(plane.shape[axis])
                plane = np.apply_along_axis(
                    lambda line, at=at, own=own: np.interp(at, own, line), axis, plane
                )
        chroma[number] = plane - 2 ** (bits - 1)
    cb, cr = chroma
    r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
    return np.stack([r, (luma - red * r - blue * b) / (1 - red - blue), b], axis=-1)


def psnr(clip, decoded, bits):
    error = np.mean((clip.astype("float64") - decoded) ** 2)
    return 10 * np.log10((2**bits - 1) ** 2 / error)


@pytest.mark.parametrize("codec", every_format())
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_decoded_is_what_others_decode(codec, channels):
    clip = moving_clip(channels, codec.bits)
    codec = codec.with_strength(16 + (12 if isinstance(codec, X264) and codec.bits > 8 else 0))
    file = codec.encode(clip)
    decoded = codec.decode(file)
    assert (decoded.shape, decoded.dtype) == (clip.shape, clip.dtype)
    frames, packets = decoded_by_itself(file)
    assert len(frames) == len(clip)
    for frame, restored in zip(frames, decoded, strict=True):
        depth = "" if codec.bits == 8 else f"{codec.bits}le"
        sampling = codec.chroma_subsampling.replace(":", "")
        gray = channels == 1 and isinstance(codec, X264 | X265)
        names = {f"yuv{sampling}p{depth}", f"yuvj{sampling}p"}
        assert frame.format.name in (
            names | {f"gray{depth}", "yuvj420p", f"yuv420p{depth}"} if gray else names
        )
        assert frame.color_range == 2 or frame.format.name.startswith("yuvj")
        planes = planes_of(frame)
        if channels == 1:
            assert np.array_equal(restored[..., 0], planes[0])
            assert all(np.ptp(plane) <= 2 for plane in planes[1:])
        else:
            assert frame.colorspace == 1  # BT.709
            expected = np.clip(np.rint(red_green_blue(planes, codec.bits)), 0, 2**codec.bits - 1)
            assert np.abs(restored - expected).max() <= 1
    assert psnr(clip, decoded, codec.bits) > (34 if channels == 3 else 38)
    count = codec.count_bits(file)
    assert 8 * sum(packet.size for packet in packets) <= count < 8 * len(file)


@KINDS
def test_more_strength_is_fewer_bits(kind):
    clip = moving_clip(1)
    for name in ("qp", "crf"):
        codecs = [fast(kind, **{name: 12}).with_strength(s) for s in (12, 30, 48)]
        assert [codec.strength for codec in codecs] == [12, 30, 48]
        files = [codec.encode(clip) for codec in codecs]
        bits = [codec.count_bits(file) for codec, file in zip(codecs, files, strict=True)]
        quality = [psnr(clip, c.decode(f), 8) for c, f in zip(codecs, files, strict=True)]
        assert bits[0] > bits[1] > bits[2]
        assert quality[0] > quality[1] > quality[2]
        assert files[1] == codecs[1].encode(clip)  # the same every time


@KINDS
def test_groups_of_pictures(kind):
    clip = moving_clip(1, frames=34)[:, :64, :64]
    orders, keys = {}, {}
    for gop in kind.gops:
        _, packets = decoded_by_itself(fast(kind, gop=gop, qp=40).encode(clip))
        orders[gop] = [packet.pts for packet in packets]
        keys[gop] = sum(packet.is_keyframe for packet in packets)
    for gop in set(kind.gops) - {"random_access"}:
        assert orders[gop] == sorted(orders[gop])
        assert keys[gop] == 1
    assert keys["random_access"] == 2  # every 32
    if kind in (X264, X265):  # the others hide their frames from behind in packets that show one
        assert orders["random_access"] != sorted(orders["random_access"])


def test_ippp_reads_one_frame_alone():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), dtype="uint8")
    clip = pictures[[0, 1, 0, 1, 0, 1]]  # a picture returns, behind another
    one, more = (X264(qp=30, gop=gop, preset="slow") for gop in ("ippp", "low_delay"))
    assert one.count_bits(one.encode(clip)) > 1.5 * more.count_bits(more.encode(clip))


@KINDS
@pytest.mark.parametrize("channels", [1, 3])
def test_odd_sizes_and_single_frames(kind, channels):
    clip = moving_clip(channels, frames=1, height=65, width=79)
    codec = fast(kind, qp=16)
    decoded = codec.decode(codec.encode(clip))
    assert decoded.shape == clip.shape
    assert psnr(clip, decoded, 8) > 30


def test_lossless_luma_and_chroma_pass_unchanged():
    codec = X264(qp=0, chroma_subsampling="4:4:4", color_transform=False, preset="ultrafast")
    clip = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), dtype="uint8")
    assert np.array_equal(codec.decode(codec.encode(clip)), clip)


def test_the_matrix_is_written_and_honoured():
    clip = moving_clip(3, frames=1)
    files = {}
    for matrix, code in (("bt709", 1), ("bt601", 6)):
        codec = X265(qp=8, chroma_subsampling="4:4:4", matrix=matrix, preset="ultrafast")
        files[matrix] = codec.encode(clip)
        frames, _ = decoded_by_itself(files[matrix])
        assert frames[0].colorspace == code
    other = X265(matrix="bt709", chroma_subsampling="4:4:4")
    assert psnr(clip, other.decode(files["bt601"]), 8) > 38


def foreign(range_code, matrix_code, levels, pixels="yuv444p"):
    """A file that this package did not write, of flat frames."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"x264-params": "qp=0:log-level=none"}
        )
        stream.width, stream.height, stream.pix_fmt = 32, 32, pixels
        stream.codec_context.color_range = range_code
        stream.codec_context.colorspace = matrix_code
        for number in range(2):
            frame = av.VideoFrame(32, 32, pixels)
            for plane, level in zip(frame.planes, levels, strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            frame.pts, frame.color_range, frame.colorspace = number, range_code, matrix_code
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def test_files_of_others():
    codec = X264(chroma_subsampling="4:4:4")
    # BT.601, limited: white is 235, and (81, 90, 240) is red (BT.601's own table of colour bars).
    assert np.array_equal(np.unique(codec.decode(foreign(1, 6, (235, 128, 128)))), [255])
    red = codec.decode(foreign(1, 6, (81, 90, 240)))
    assert red.shape == (2, 32, 32, 3)
    assert np.abs(red[0, 0, 0].astype(int) - [255, 0, 0]).max() <= 1
    with pytest.raises(ValueError, match="says its range, full or limited, and its matrix"):
        codec.decode(foreign(1, 2, (81, 90, 240)))
    with pytest.raises(ValueError, match=r"Expected gray, 4:2:0 or 4:4:4.*yuv422p"):
        codec.decode(foreign(1, 6, (81, 90, 240), "yuv422p"))
    with pytest.raises(ValueError, match="decode it with a codec that was made with bits=8"):
        X264(bits=10).decode(foreign(1, 6, (81, 90, 240)))


@KINDS
def test_damage_and_truncation(kind):
    codec = fast(kind)
    file = codec.encode(moving_clip(3))
    for share in (0.0, 0.01, 0.3, 0.6, 0.9, 0.99):
        with pytest.raises((ValueError, OSError)) as caught:
            codec.decode(file[: int(share * len(file))])
        assert str(caught.value)
    for other in (b"", b"no clip", bytes(1000), b"\0\0\0\x18ftypavif" + bytes(99)):
        for read in (codec.decode, codec.count_bits):
            with pytest.raises((ValueError, OSError)):
                read(other)
    generator = np.random.default_rng(0)
    raised = 0
    for turn in range(60):
        data = bytearray(file)
        for place in generator.integers(0, len(file), 3):
            data[place] = generator.integers(256)
        if turn % 3 == 0:
            start, stop = sorted(generator.integers(0, len(file), 2))
            del data[start:stop]
        try:
            assert codec.decode(bytes(data)).ndim == 4
        except (ValueError, OSError):
            raised += 1
    assert raised > 20
    with pytest.raises(TypeError, match="Expected the bytes of a file"):
        codec.decode("clip.mp4")


def test_a_missing_frame_is_noticed():
    codec = fast(X264, gop="ippp")
    file = codec.encode(moving_clip(1))
    _, packets = decoded_by_itself(file)
    last = bytes(packets[-1])
    with pytest.raises(ValueError, match=r"damaged|cut short|Invalid"):
        codec.decode(file.replace(last, bytes(len(last))))


@KINDS
def test_settings_make_the_same_codec_again(kind):
    codec = fast(kind, crf=30, gop="low_delay", matrix="bt601")
    settings = json.loads(json.dumps(codec.settings))
    assert settings.pop("class") == kind.__name__
    assert settings.pop("options") == codec.options
    assert kind(**settings) == codec
    assert codec.version.startswith(f"{kind.encoder} in PyAV {av.__version__}, libavcodec")
    assert codec.strengths == tuple(sorted(codec.strengths))
    assert codec.name.endswith("4:2:0, low delay")


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (X264, {"qp": 20, "crf": 20.0}, "Give one of qp and crf"),
        (X264, {"qp": 52}, "`qp` must be a number from 0 to 51"),
        (X265, {"qp": 20.5}, "`qp` must be an integer"),
        (X264, {"bits": 12}, "`bits` must be one of 8, 10"),
        (SVTAV1, {"chroma_subsampling": "4:4:4"}, "`chroma_subsampling` must be one of '4:2:0'"),
        (SVTAV1, {"gop": "ippp"}, "`gop` must be one of 'low_delay', 'random_access'"),
        (SVTAV1, {"preset": 14}, "`preset` must be an integer from 0 to 13"),
        (VP9, {"crf": 30.5}, "`crf` must be an integer from 0 to 63"),
        (VP9, {"matrix": "bt470"}, "`matrix` must be one of 'bt709', 'bt601', 'bt2020'"),
        (X265, {"preset": "quick"}, "`preset` must be one of 'ultrafast'"),
    ],
)
def test_bad_arguments(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(**arguments)


def test_bad_clips():
    good = moving_clip(1)
    for clip in (good[0], good.astype("float32"), good[..., [0, 0]], good[:0]):
        with pytest.raises(ValueError, match=r"Expected uint8 \[frames, height, width, 1 or 3\]"):
            X264().encode(clip)
    with pytest.raises(ValueError, match=r"from 0 to 1023.*up to 1024"):
        X264(bits=10).encode(np.full((1, 16, 16, 1), 1024, "uint16"))
    with pytest.raises(ValueError, match="cannot write a picture of 2×2 pixels"):
        X265().encode(good[:, :2, :2])
    with pytest.raises(TypeError, match="abstract"):
        VideoCodec()


def test_libraries_that_are_not_there(monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"libx264"})
    with pytest.raises(ImportError, match=r"has no libx265.*keras-sandwich\[video\]"):
        X265().encode(moving_clip(1))
    monkeypatch.setitem(sys.modules, "av", None)
    for act in (lambda: X264().encode(moving_clip(1)), lambda: X264().version):
        with pytest.raises(ImportError, match=r"needs PyAV: pip install .keras-sandwich\[video\]"):
            act()


def test_nothing_is_printed(capfd):
    for kind in FAST:
        codec = fast(kind)
        codec.decode(codec.encode(moving_clip(1)))
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
