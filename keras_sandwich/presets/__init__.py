"""Trained models in folders: those that come with the package, and how one is saved, loaded and told apart."""

from keras_sandwich.presets.bundled import describe, names
from keras_sandwich.presets.fingerprint import fingerprint

__all__ = ["describe", "fingerprint", "names"]
