"""A site of a small sandwich, served, and a real Chromium to visit it with."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest
from photographs import photographs
from PIL import Image
from small_models import sandwich

import keras_sandwich as ks

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "node_modules" / "onnxruntime-web" / "dist"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
# It does not look for its maker's hosts, and runs as root.
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing(words: str) -> None:
    """Skips, or fails where KERAS_SANDWICH_BROWSER says that it must be there, as CI does."""
    if os.environ.get("KERAS_SANDWICH_BROWSER") == "required":
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture(scope="session")
def chromium():
    """A browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed: pip install playwright")
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        missing(f"No Chromium was found, of {', '.join(CHROMIUMS)}: apt-get install chromium")
    if not RUNTIME.is_dir():
        missing("ONNX Runtime Web is not there: make browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and does not tell."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory, chromium):
    """The folder of a site whose sandwich is told the step, makes pictures smaller, and codes three colours."""
    folder = tmp_path_factory.mktemp("site")
    model = sandwich(
        networks=True,
        bottleneck_channels=3,
        downsample_factor=2,
        chroma_subsampling="4:2:0",
        qstep_range=(8.0, 96.0),
    )
    pictures = {
        "odd.jpg": photographs(1, 75, 101)[0],
        "even.webp": photographs(2, 64, 96)[1],
        "tiled.jpg": photographs(3, 150, 213)[2],
    }
    samples = {}
    for name, pixels in pictures.items():
        source, coded = folder / "source.png", folder / name
        Image.fromarray(pixels).save(source)
        ks.encode_file(source, coded, model, strength=12)
        ks.decode_file(coded, folder / f"{name}.png", model)
        samples[name] = coded.read_bytes()
    ks.web.write_site(model, folder, runtime=RUNTIME, samples=samples)
    return folder


@pytest.fixture(scope="session")
def address(folder):
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def visit(chromium, address):
    """Opens the page in a window of its own; after the test, nothing may have gone wrong in it."""
    windows, wrong = [], []

    def opened(**options):
        window = chromium.new_context(**options)
        windows.append(window)
        page = window.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: elsewhere(asked.url))
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        return page

    def elsewhere(url):
        if not url.startswith((address, "blob:", "data:")):
            wrong.append(f"asked {url}")

    yield opened
    for window in windows:
        window.close()
    assert not wrong
