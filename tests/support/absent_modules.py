"""Processes that do not find some of the modules that are installed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = {"tensorflow", "jax", "torch"}
EXTRAS = {
    "PIL",
    "ai_edge_litert",
    "av",
    "imagecodecs",
    "matplotlib",
    "mediapy",
    "onnx",
    "onnxruntime",
    "openvino",
    "pillow_heif",
    "tensorflow_datasets",
    "tqdm",
}

WITHOUT = '''
import os, sys

class Without:
    """A finder of modules that does not see the absent ones."""

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {absent!r}:
            return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
'''


def run_without(
    absent: set[str], script: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A new process that does not find some modules."""
    kept = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, **environment},
        check=False,
    )
