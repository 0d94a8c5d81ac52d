"""The page in a real Chromium: what it restores, what it says, and whether it can be used."""

import base64
import io
import re

import numpy as np
import pytest
from autodiff import BACKEND
from photographs import photographs
from PIL import Image

import keras_sandwich as ks

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(BACKEND == "jax", reason="JAX exports programs of known sizes"),
]

RESTORE = """async ([name, tile]) => {
    const { Restorer } = await import("/restorer/restorer.js");
    const restorer = await Restorer.load({ device: "wasm", workers: 2 });
    const blob = await (await fetch(`/samples/${name}`)).blob();
    let facts;
    const parts = [];
    const onProgress = (part, read) => { parts.push(part); facts = read; };
    const picture = await restorer.restore(blob, { tile, onProgress });
    await restorer.close();
    let bytes = "";
    for (const byte of picture.data) bytes += String.fromCharCode(byte);
    return { width: picture.width, height: picture.height, bytes: btoa(bytes), facts, parts };
}"""


def pixels_of(result):
    flat = np.frombuffer(base64.b64decode(result["bytes"]), "uint8")
    return flat.reshape(result["height"], result["width"], 4)


@pytest.mark.parametrize(
    ("name", "tile", "windows"), [("odd.jpg", 768, 1), ("even.webp", 768, 1), ("tiled.jpg", 64, 12)]
)
def test_restored_pixels_are_those_of_python(visit, folder, name, tile, windows):
    result = visit().evaluate(RESTORE, [name, tile])
    restored = pixels_of(result)
    expected = np.asarray(Image.open(folder / f"{name}.png"))
    assert restored.shape[:2] == expected.shape[:2]
    assert (restored[..., 3] == 255).all()
    assert np.abs(restored[..., :3].astype(int) - expected).max() <= 1
    assert result["parts"] == pytest.approx([part / windows for part in range(windows + 1)])

    facts, info = result["facts"], ks.files.read_info(folder / name)
    assert facts["exact"] is True  # the browser decodes what Pillow decodes
    assert facts["unaltered"] is True
    assert (facts["height"], facts["width"]) == info.output_size
    assert facts["bytes"] == info.file_size
    assert facts["network"] == info.network
    assert facts["settings"] == info.settings
    codec = ks.codecs.codec_for(f".{name.partition('.')[2]}")().with_strength(12)
    assert facts["qstep"] == pytest.approx(ks.inference.equivalent_qstep(codec), abs=1e-3)


def test_a_phone_in_the_dark_with_keys_alone(visit):
    page = visit(viewport={"width": 360, "height": 700}, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first sample
    page.wait_for_selector("body[data-done='odd.jpg']")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    page.focus("#split")
    split = "getComputedStyle(document.getElementById('pictures')).getPropertyValue('--split')"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(split) == "50.5%"
    page.keyboard.press("End")
    assert page.evaluate(split) == "100%"
    for tag in ("button", "input"):
        sizes = page.evaluate(
            "tag => [...document.querySelectorAll(tag)].filter(e => e.offsetParent && e.id !== 'file')"
            ".map(e => e.getBoundingClientRect().height)",
            tag,
        )
        assert min(sizes) >= 44  # a thumb's
    facts = page.inner_text("#facts")
    assert "101 × 75" in facts
    assert "as they were written" in facts
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "odd.png"
    assert Image.open(download.value.path()).size == (101, 75)


def give(page, name, data):
    page.evaluate("delete document.body.dataset.done")
    page.set_input_files("#file", {"name": name, "mimeType": "image/jpeg", "buffer": data})
    page.wait_for_selector("#message:not([hidden]), body[data-done]")
    return page.inner_text("#message") if page.is_visible("#message") else None


def saved_anew(data):
    """Other pixels around the same metadata."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    xmp, _ = ks.codecs.read_metadata(data)
    return ks.codecs.JPEG(qstep=60).encode(255 - pixels, xmp=xmp)


def test_files_that_cannot_be_restored(visit, folder):
    data = (folder / "odd.jpg").read_bytes()
    ordinary = ks.codecs.JPEG(qstep=9).encode(photographs(1, 40, 56)[0])
    metadata = data.replace(b"s:size='101x75'", b"s:size='103x75'")
    other = re.sub(rb"s:network='[0-9a-f]{32}'", b"s:network='" + b"1" * 32 + b"'", data)
    at = data.index(b"\xff\xda")
    damaged = data[: at + 40] + b"\xff\xd9" * 20 + data[at + 80 :]
    page = visit()
    for name, file, title, words in (
        ("empty.jpg", b"", "not a sandwich file", "is empty"),
        ("words.jpg", b"words, and no picture", "not a sandwich file", "no JPEG, WebP or AVIF"),
        ("photo.jpg", ordinary, "not a sandwich file", "nothing of keras-sandwich"),
        ("header.jpg", data[:200], "broken", "ends before its picture begins"),
        ("metadata.jpg", metadata, "broken", "checksum differs"),
        ("sum.jpg", other, "broken", "checksum differs"),
        ("edited.jpg", saved_anew(data), "broken", "not those that were coded"),
        ("scan.jpg", damaged, "broken", ""),
    ):
        said = give(page, name, file)
        assert said is not None, name
        assert title in said, name
        assert f"{name}: " in said
        assert words in said
        assert not page.is_visible("#result")

    assert "not those that were coded" in give(page, "edited.jpg", saved_anew(data))
    page.click("#anyway")  # restores what is there
    page.wait_for_selector("body[data-done='edited.jpg']")
    assert "changed since it was written" in page.inner_text("#facts")
    assert give(page, "odd.jpg", data) is None
    assert not page.is_visible("#message")


def test_a_file_for_another_network(visit, tmp_path):
    Image.fromarray(photographs(1, 64, 64)[0]).save(tmp_path / "a.png")
    ks.encode_file(
        tmp_path / "a.png", tmp_path / "a.jpg", ks.models.create_linear_baseline(1), strength=9
    )
    said = give(visit(), "a.jpg", (tmp_path / "a.jpg").read_bytes())
    assert "for another network" in said
    assert "somebody's own" in said
