"""Videos as ordinary MP4 files: against the codec and the networks called by themselves, and what users' files hold."""

import io
from fractions import Fraction

import av
import keras
import numpy as np
import pytest
from autodiff import to_numpy
from photographs import photographs
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.codecs import X264, from_samples, to_samples
from keras_sandwich.codecs.video_reader import Frame, Sound, VideoReader
from keras_sandwich.codecs.video_writer import VideoFormat, VideoWriter
from keras_sandwich.files.video_encoding import picture_of

HEIGHT, WIDTH, FRAMES = 47, 61, 4
TIMES = [0, 1001, 3003, 4004]  # a frame is missing
BASE = Fraction(1, 30000)
FAST = X264(qp=20, preset="ultrafast", monochrome=False)


def clip():
    """uint8 [4, 47, 61, 3] that moves."""
    picture = photographs(1, HEIGHT, WIDTH + 8)[0]
    return np.stack([picture[:, 2 * t : 2 * t + WIDTH] for t in range(FRAMES)])


def sound(seconds=0.3, rate=8000):
    """The packets of a tone, and their stream."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate)
        stream.layout = "mono"
        wave = np.sin(np.arange(int(seconds * rate)) * 0.3).astype("float32")
        frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return av.open(io.BytesIO(buffer.getvalue()))


def packets_of(path):
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [(bytes(p), p.pts * p.time_base) for p in packets if p.size]


def write_source(path, frames, *, pixels=None, audio=None, **described):
    """A video without loss: pictures as H.264's RGB in .mp4, or planes of any format as FFV1 in .nut."""
    options = {"rate": Fraction(30000, 1001), "time_base": BASE, "matrix": None, **described}
    if pixels is None:
        frames = [[f[..., 1], f[..., 2], f[..., 0]] for f in frames]
        own = {"encoder": "libx264rgb", "pixels": "gbrp", "packed": "bgr24", "options": {"qp": "0"}}
    else:
        own = {"encoder": "ffv1", "pixels": pixels, "container": "nut", "options": {"level": "3"}}
    tones = [] if audio is None else audio.streams.audio
    size = frames[0][0].shape
    with (
        open(path, "wb") as file,
        VideoWriter(file, VideoFormat(**own, **options), size, tones) as writer,
    ):
        for planes, time in zip(frames, TIMES, strict=False):
            writer.add(planes, time)
        for packet in audio.demux() if audio is not None else ():
            if packet.size:
                writer.add_sound(packet, 0)
    return path


@pytest.fixture(scope="module")
def gray():
    return sandwich(networks=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory, gray):
    """A video with sound, coded, in a folder that no test writes to."""
    folder = tmp_path_factory.mktemp("videos")
    write_source(folder / "in.mp4", clip(), audio=sound(), aspect=Fraction(4, 3), rotation=90)
    info = ks.encode_file(folder / "in.mp4", folder / "out.mp4", gray, strength=20, codec=FAST)
    return folder, info


def test_a_sandwich_for_clips_writes_and_restores_the_same(files, gray, tmp_path):
    folder, _ = files
    model = ks.models.CompressVideoModel.from_image_model(gray)
    ks.encode_file(folder / "in.mp4", tmp_path / "out.mp4", model, strength=20, codec=FAST)
    assert (tmp_path / "out.mp4").read_bytes() == (folder / "out.mp4").read_bytes()
    with pytest.raises(ValueError, match=r"or a CompressVideoModel\. Received"):
        ks.encode_file(folder / "in.mp4", tmp_path / "other.mp4", keras.Sequential())


def by_hand(model, frames, codec, peak=255):
    """The chain without files: networks, codec, networks."""
    channels = model.postprocessor.output_channels
    coded = to_samples(to_numpy(model.preprocess(frames.astype("float32"))), codec.bits)
    decoded = from_samples(codec.decode(codec.encode(coded)), codec.bits)
    restored = to_numpy(model.postprocess(decoded, frames.shape[1:3]))
    assert restored.shape == (*frames.shape[:3], channels)
    return np.clip(np.rint(restored), 0, peak)


def decoded(path):
    with open(path, "rb") as file, VideoReader(file) as reader:
        frames = [part for part in reader if isinstance(part, Frame)]
    pictures = np.stack([np.stack(frame.planes, axis=-1) for frame in frames])
    return reader, pictures, [frame.time * reader.time_base for frame in frames]


@pytest.mark.parametrize("codec", [FAST, ks.codecs.VP9(qp=20, preset=8)])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_restores_what_the_codec_and_the_networks_make(tmp_path, files, channels, codec):
    folder, _ = files
    model = sandwich(
        networks=True, bottleneck_channels=channels, downsample_factor=channels // 2 + 1
    )
    info = ks.encode_file(folder / "in.mp4", tmp_path / "a.mp4", model, strength=20, codec=codec)
    assert (info.format, info.frames, info.output_size) == ("MP4", FRAMES, (HEIGHT, WIDTH))
    assert info.file_size == (tmp_path / "a.mp4").stat().st_size
    assert info.unaltered
    assert ks.files.read_info(tmp_path / "a.mp4") == info
    ks.decode_file(tmp_path / "a.mp4", tmp_path / "b.mkv", model)
    _, restored, _ = decoded(tmp_path / "b.mkv")
    off = np.abs(restored - by_hand(model, clip(), codec))
    assert off.max() <= 1  # a half may be rounded the other way
    assert np.mean(off > 0) < 1e-3


@pytest.mark.once
def test_time_sound_shape_and_rotation_are_kept(tmp_path, files, gray):
    folder, _ = files
    with pytest.warns(UserWarning, match=r"nothing of pixels that are 4:3 wide.*to a .mp4 file"):
        ks.decode_file(folder / "out.mp4", tmp_path / "b.mkv", gray)
    ks.decode_file(folder / "out.mp4", tmp_path / "b.mp4", gray)
    times = [time * BASE for time in TIMES]
    given = packets_of(folder / "in.mp4")
    assert len(given) > 1
    for path, exact in (
        (folder / "out.mp4", True),
        (tmp_path / "b.mp4", True),
        (tmp_path / "b.mkv", False),
    ):
        with open(path, "rb") as file, VideoReader(file) as reader:
            frames = [part for part in reader if isinstance(part, Frame)]
        assert reader.aspect == (Fraction(4, 3) if exact else 1)
        assert {frame.rotation for frame in frames} == {90}
        # Matroska begins at 0 with what is first, here sound, and has milliseconds.
        start = 0 if exact else frames[0].time * reader.time_base
        found = [frame.time * reader.time_base - start for frame in frames]
        assert max(abs(a - b) for a, b in zip(found, times, strict=True)) <= (0 if exact else 1e-3)
        kept = packets_of(path)
        assert [data for data, _ in kept] == [data for data, _ in given]
        off = [abs(a - start - b) for (_, a), (_, b) in zip(kept, given, strict=True)]
        assert max(off) <= 1e-3
    # Odd sides grow by one for the chroma of H.264; the lossless file is exact.
    assert decoded(tmp_path / "b.mkv")[0].size == (HEIGHT, WIDTH)
    lossless = decoded(tmp_path / "b.mkv")[1]
    with open(tmp_path / "b.mp4", "rb") as file, VideoReader(file) as reader:
        pictures = [picture_of(reader, part, 3, 0) for part in reader if isinstance(part, Frame)]
    assert reader.size == (HEIGHT + 1, WIDTH + 1)
    rgb = np.stack(pictures)[:, :HEIGHT, :WIDTH]
    played = X264(crf=10.0)
    expected = played.decode(played.encode(lossless))  # whose rate control knows other times
    assert np.abs(rgb.astype(int) - expected).mean() < 2


@pytest.mark.once
@pytest.mark.parametrize(
    ("goal", "limit"), [("bits_per_pixel", 4.5), ("target_size", 6500), ("target_bitrate", 95e3)]
)
def test_sizes_are_reached(tmp_path, files, gray, goal, limit):
    folder, _ = files

    def size_of(info):
        with av.open(str(tmp_path / "a.mp4")) as container:
            video = sum(packet.size for packet in container.demux(video=0))
        return {
            "bits_per_pixel": 8 * info.file_size / (HEIGHT * WIDTH * FRAMES),
            "target_size": info.file_size,
            "target_bitrate": 8 * video / info.seconds,
        }[goal]

    info = ks.encode_file(folder / "in.mp4", tmp_path / "a.mp4", gray, codec=FAST, **{goal: limit})
    assert size_of(info) <= limit
    finer = info.settings["qp"] - 1
    info = ks.encode_file(folder / "in.mp4", tmp_path / "a.mp4", gray, codec=FAST, strength=finer)
    assert size_of(info) > limit
    with pytest.raises(
        ValueError, match=r"cannot write this video with `target_size` 900.*reaches"
    ):
        ks.encode_file(folder / "in.mp4", tmp_path / "a.mp4", gray, codec=FAST, target_size=900)


@pytest.mark.once
def test_every_player_takes_the_file(files):
    with av.open(str(files[0] / "out.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuvj420p")  # of full range
        assert int(context.colorspace) == 1
        frame = next(container.decode(video=0)).to_ndarray(format="yuv420p")
    assert set(np.unique(frame[HEIGHT + 1 :])) == {128}  # a gray picture


def planes(level, size=(32, 48), dtype="uint8"):
    """4:2:0 planes of one colour."""
    return [
        np.full([side // (1 + (n > 0)) for side in size], v, dtype) for n, v in enumerate(level)
    ]


class Look(keras.layers.Layer):
    """Notes what the networks are given."""

    given = None

    def call(self, images):
        Look.given = to_numpy(images)
        return images


@pytest.mark.once
@pytest.mark.parametrize(
    ("size", "matrix", "tagged", "level"),
    [
        # Limited range: (81, 90, 240) is red in BT.601, (63, 102, 240) in BT.709 (their own colour bars).
        ((32, 48), "bt601", True, (81, 90, 240)),
        ((32, 48), "bt709", True, (63, 102, 240)),
        ((32, 48), "bt601", False, (81, 90, 240)),
        ((720, 48), "bt709", False, (63, 102, 240)),
    ],
)
def test_colours_mean_what_the_file_says(tmp_path, size, matrix, tagged, level):
    codes = {"bt601": 6, "bt709": 1}
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        if tagged:
            stream.codec_context.colorspace, stream.codec_context.color_range = codes[matrix], 1
        frame = av.VideoFrame(*size[::-1], "yuv420p")
        for plane, value in zip(frame.planes, level, strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        if tagged:
            frame.colorspace, frame.color_range = codes[matrix], 1
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open(tmp_path / "in.mp4", "rb") as file, VideoReader(file) as reader:
        (frame,) = reader
    picture = picture_of(reader, frame, 3, 0)
    assert picture.shape == (*size, 3)
    assert np.abs(picture.astype(int) - [255, 0, 0]).max() <= 1
    ten = picture_of(reader, frame, 3, 2)
    assert np.abs(ten - np.float32(1020 / 255) * picture).max() <= 1
    gray = picture_of(reader, frame, 1, 0)
    assert np.unique(gray) == np.rint((level[0] - 16) * 255 / 219)


@pytest.mark.once
def test_high_dynamic_range_is_kept(tmp_path):
    """10 bits, BT.2020 primaries and PQ: through a model of 10 bits to a lossless file of 10."""
    model = sandwich(num_truncate_bits=2)
    level = (600, 400, 700)
    source = tmp_path / "in.mp4"
    told = X264(qp=4, bits=10, matrix="bt2020", color_transform=False)
    with (
        open(source, "wb") as file,
        told.writer(file, (32, 48), 3, primaries=9, transfer=16) as writer,
    ):
        for _ in range(2):
            writer.add(planes(level, dtype="uint16"))
    codec = X264(qp=4, bits=10, preset="ultrafast")
    ks.encode_file(source, tmp_path / "a.mp4", model, strength=4, codec=codec)
    ks.decode_file(tmp_path / "a.mp4", tmp_path / "b.mkv", model)
    for path in ("a.mp4", "b.mkv"):
        with open(tmp_path / path, "rb") as file, VideoReader(file) as reader:
            pass
        assert (reader.bits, reader.primaries, reader.transfer) == (10, 9, 16)
    with open(source, "rb") as file, VideoReader(file) as reader:
        given = np.stack([picture_of(reader, frame, 3, 2) for frame in reader])
    # BT.2020, full range: R = Y + 2(1 − Kr)·Cr, and so on.
    luma, cb, cr = level[0], level[1] - 512, level[2] - 512
    red, blue = luma + 2 * (1 - 0.2627) * cr, luma + 2 * (1 - 0.0593) * cb
    green = (luma - 0.2627 * red - 0.0593 * blue) / (1 - 0.2627 - 0.0593)
    assert np.abs(given - (1020 / 1023) * np.array([red, green, blue])).max() <= 2
    expected = np.rint(by_hand(model, given, codec, peak=1020) * (1023 / 1020))
    assert np.abs(decoded(tmp_path / "b.mkv")[1] - expected).max() <= 1
    with pytest.raises(ValueError, match=r"written with 8 bits. Received a model of 10"):
        ks.decode_file(tmp_path / "a.mp4", tmp_path / "b.mp4", model)


@pytest.mark.once
def test_other_formats_lose_no_colour(tmp_path):
    """4:2:2, packed and 12-bit samples are put in planes; the levels stay."""
    for pixels, bits in (("yuv422p", 8), ("yuv444p12le", 12), ("gray10le", 10)):
        level = np.array((100, 80, 180)) * 2 ** (bits - 8)
        shape = {"yuv422p": (1, 2), "yuv444p12le": (1, 1), "gray10le": (1, 1)}[pixels]
        dtype = "uint8" if bits == 8 else "uint16"
        sides = [(32, 48), (32 // shape[0], 48 // shape[1]), (32 // shape[0], 48 // shape[1])]
        count = 1 if pixels.startswith("gray") else 3
        frame = [np.full(s, v, dtype) for s, v in zip(sides, level, strict=True)][:count]
        path = write_source(tmp_path / "in.nut", [frame], pixels=pixels, matrix="bt709")
        with open(path, "rb") as file, VideoReader(file) as reader:
            (part,) = reader
        assert (reader.bits, reader.channels) == (bits, count)
        assert [np.unique(plane).tolist() for plane in part.planes] == [[v] for v in level[:count]]


def refused(path, model, message, error=(ValueError, OSError)):
    with pytest.raises(error, match=message):
        ks.encode_file(path, path.with_name("refused.mp4"), model, strength=30, codec=FAST)
    assert not path.with_name("refused.mp4").exists()


@pytest.mark.once
def test_what_is_no_whole_video_is_refused(tmp_path, files, gray):
    folder, _ = files
    whole = (folder / "in.mp4").read_bytes()
    for share in (0.2, 0.6, 0.95):
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[: int(share * len(whole))])
        refused(path, gray, ".")
    path = tmp_path / "text.mov"
    path.write_bytes(b"no video" * 99)
    refused(path, gray, ".")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        tone = sound()
        stream = container.add_stream_from_template(tone.streams.audio[0])
        for packet in tone.demux():
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    refused(tmp_path / "sound.mp4", gray, "Expected a video. Received a file without one")


@pytest.mark.once
def test_what_is_no_plain_video_is_refused(tmp_path, gray):
    level = [*planes((60, 70, 80)), np.full((32, 48), 90, "uint8")]
    path = write_source(tmp_path / "alpha.nut", [level], pixels="yuva420p")
    refused(path, gray, "without transparency. Received frames of 'yuva420p'")

    buffer = io.BytesIO()
    for size in ((32, 48), (48, 48)):  # of an elementary stream, two after the other
        with av.open(buffer, "w", format="h264") as container:
            stream = container.add_stream("libx264", rate=25, options={"x264-params": "bframes=0"})
            stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
            container.mux(stream.encode(av.VideoFrame(*size[::-1], "yuv420p")))
            container.mux(stream.encode(None))
    (tmp_path / "sizes.264").write_bytes(buffer.getvalue())
    refused(tmp_path / "sizes.264", gray, "pixels, as the first. Received frame . of 48×")

    with av.open(str(tmp_path / "fields.mp4"), "w") as container:
        options = {"x264-params": "interlaced=1:tff=1"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        frame = av.VideoFrame(48, 32, "yuv420p")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    refused(tmp_path / "fields.mp4", gray, "interlaced one \\(frame 0\\); deinterlace it")


def test_what_was_changed_is_refused(tmp_path, files, gray):
    folder, _ = files
    coded = bytearray((folder / "out.mp4").read_bytes())
    with av.open(str(folder / "out.mp4")) as container:
        last = bytes(list(container.demux(video=0))[-2])
    place = coded.index(last) + len(last) - 3
    coded[place] ^= 1
    (tmp_path / "a.mp4").write_bytes(coded)
    assert not ks.files.read_info(tmp_path / "a.mp4").unaltered
    with pytest.raises((ValueError, OSError), match=r"not those that were coded|damaged|Invalid"):
        ks.decode_file(tmp_path / "a.mp4", tmp_path / "b.mkv", gray)
    assert not (tmp_path / "b.mkv").exists()

    other = sandwich(networks=True, output_channels=1)
    with pytest.raises(ValueError, match=r"written for the network .* pass the right model"):
        ks.decode_file(folder / "out.mp4", tmp_path / "b.mkv", other)
    foreign = X264(qp=30, preset="ultrafast").encode(clip()[:1])
    (tmp_path / "foreign.mp4").write_bytes(foreign)
    for read in (ks.files.read_info, lambda path: ks.decode_file(path, tmp_path / "b.mkv", gray)):
        with pytest.raises(ValueError, match="carries no metadata of keras-sandwich"):
            read(tmp_path / "foreign.mp4")

    # Saved anew: another stream, the same metadata.
    with open(folder / "out.mp4", "rb") as file, VideoReader(file) as reader:
        metadata = dict(reader.metadata)
        with open(tmp_path / "anew.mp4", "wb") as target:
            size = reader.size
            kept = {"time_base": reader.time_base, "metadata": metadata}
            with X264(qp=40, monochrome=False).writer(target, size, 1, **kept) as writer:
                for part in reader:
                    if not isinstance(part, Sound):
                        writer.add(part.planes, part.time)
    with pytest.raises(ValueError, match="its frames are not those that were coded"):
        ks.decode_file(tmp_path / "anew.mp4", tmp_path / "b.mkv", gray)
    ks.decode_file(tmp_path / "anew.mp4", tmp_path / "b.mkv", gray, accept_altered=True)
    assert decoded(tmp_path / "b.mkv")[1].shape == clip().shape


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 20, "effort": 2}, "`effort` is for pictures. Received effort=2"),
        ({"strength": 20, "background": "white"}, "`background` is for pictures"),
        ({"strength": 20, "codec": ks.codecs.JPEG()}, "written by a codec for videos: X264"),
        ({"strength": 20, "target_bitrate": 9e5}, "exactly one of .*target_bitrate"),
        ({"strength": 99}, "`qp` must be a number from 0 to 51"),
    ],
)
def test_bad_arguments(tmp_path, files, gray, options, message):
    with pytest.raises(ValueError, match=message):
        ks.encode_file(files[0] / "in.mp4", tmp_path / "a.mp4", gray, **options)


@pytest.mark.once
def test_what_is_for_videos_alone(tmp_path, files, gray):
    with pytest.raises(ValueError, match=r"`target_bitrate` is for videos, .mp4 targets"):
        ks.encode_file(files[0] / "in.mp4", tmp_path / "a.jpg", gray, target_bitrate=9e5)
    with pytest.raises(ValueError, match=r"restored to a .mkv file, without loss, or to a .mp4"):
        ks.decode_file(files[0] / "out.mp4", tmp_path / "a.avi", gray)
