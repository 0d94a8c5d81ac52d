import numpy as np
import pytest
from clips import moving_clip

from keras_sandwich.codecs import X264, X265
from keras_sandwich.datasets import load_video, load_yuv

# ITU-T H.273: shares of red and blue in luma.
SHARES = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114)}


def limited(clip, matrix, bits=8):
    """R, G and B to Y, Cb and Cr of limited range, float64, by the definition."""
    red, blue = SHARES[matrix]
    r, g, b = (clip[..., k] / 255.0 for k in range(3))
    luma = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - luma) / (2 * (1 - blue)), (r - luma) / (2 * (1 - red))
    levels = (16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr)
    return [np.rint(level * 2.0 ** (bits - 8)) for level in levels]


def smooth(height=32, width=48):
    """Colours that change slowly, so that chroma of half the size is little worse."""
    clip = moving_clip(3, height=height, width=width, frames=4).astype("float64")
    flat = clip.mean(axis=(2, 3), keepdims=True)
    ramp = np.linspace(0, 80, width)[:, None] * np.array([1.0, 0.5, 0.25]) + (50, 0, -20)
    return np.clip(np.rint(flat * 0.5 + 40 + ramp), 0, 255) * np.ones((1, height, 1, 1))


def halves(plane):
    height, width = plane.shape[-2:]
    padded = np.pad(plane, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    return np.rint(
        padded.reshape(len(plane), -(-height // 2), 2, -(-width // 2), 2).mean(axis=(2, 4))
    )


@pytest.mark.parametrize("matrix", ["bt709", "bt601"])
@pytest.mark.parametrize(
    ("subsampling", "bits", "size"), [("4:4:4", 8, (32, 48)), ("4:2:0", 10, (31, 45))]
)
def test_raw_files(tmp_path, matrix, subsampling, bits, size):
    clip = smooth(*size)
    luma, *chroma = limited(clip, matrix, bits)
    planes = [luma, *(halves(c) if subsampling == "4:2:0" else c for c in chroma)]
    dtype = "uint8" if bits == 8 else "<u2"
    file = tmp_path / f"clip_{size[1]}x{size[0]}.yuv"
    frames = [b"".join(p[t].astype(dtype).tobytes() for p in planes) for t in range(4)]
    file.write_bytes(b"".join(frames))
    read = load_yuv(file, chroma_subsampling=subsampling, bits=bits, matrix=matrix)
    assert (read.dtype, read.shape) == (np.uint8, clip.shape)
    assert np.abs(read - clip).max() <= 3
    other = load_yuv(file, None, subsampling, bits, {"bt709": "bt601"}.get(matrix, "bt709"))
    assert np.abs(other - clip).max() > 3
    if matrix == "bt601":  # below 720 lines
        assert np.array_equal(load_yuv(file, None, subsampling, bits), read)
    some = load_yuv(file, size, subsampling, bits, matrix, start=1, frames=2, stride=2)
    assert np.array_equal(some, read[[1, 3]])
    file.write_bytes(b"".join(frames)[:-2])
    with pytest.raises(ValueError, match="whole frames"):
        load_yuv(file, None, subsampling, bits)
    with pytest.raises(ValueError, match="does not say its size"):
        load_yuv(tmp_path / "clip.yuv")


def y4m(clip, tags=""):
    """A YUV4MPEG2 file of 4:4:4, by its description."""
    planes = [p.astype("uint8") for p in limited(clip, "bt601")]
    header = f"YUV4MPEG2 W{clip.shape[2]} H{clip.shape[1]} F25:1 Ip A1:1 C444{tags}\n".encode()
    frames = [b"FRAME\n" + b"".join(p[t].tobytes() for p in planes) for t in range(len(clip))]
    return header + b"".join(frames)


def test_y4m(tmp_path):
    pytest.importorskip("av")
    clip = smooth()
    file = tmp_path / "clip.y4m"
    file.write_bytes(y4m(clip))
    assert np.abs(load_video(file) - clip).max() <= 3
    assert np.array_equal(load_video(file, 1, 2, 2), load_video(file)[[1, 3]])
    with pytest.raises(ValueError, match="more than 4 frames"):
        load_video(file, start=4)
    full = tmp_path / "full.y4m"
    full.write_bytes(y4m(clip, " XCOLORRANGE=FULL"))
    darker = 255 * (load_video(file).astype(float).mean() / 255 * 219 + 16) / 255
    assert load_video(full).mean() == pytest.approx(darker, abs=1.5)


@pytest.mark.parametrize(
    "codec", [X264(qp=4, chroma_subsampling="4:4:4", matrix="bt601"), X265(qp=4, bits=10)]
)
def test_what_a_stream_states_is_honoured(tmp_path, codec):
    clip = smooth()
    scale = 1 if codec.bits == 8 else 1023 / 255
    data = codec.encode(np.rint(clip * scale).astype("uint8" if codec.bits == 8 else "uint16"))
    (tmp_path / "clip.mp4").write_bytes(data)
    assert np.abs(load_video(tmp_path / "clip.mp4") - clip).max() <= 5


def test_what_is_no_video(tmp_path):
    pytest.importorskip("av")
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_video(tmp_path / "nothing.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(ValueError, match="cannot be read as video"):
        load_video(tmp_path / "text.mp4")
    whole = X264(qp=20).encode(moving_clip(3, frames=8))
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read as video"):
        load_video(tmp_path / "cut.mp4")
