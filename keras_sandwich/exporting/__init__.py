"""The networks of a sandwich for other machines: files that run without Keras."""

from keras_sandwich.exporting.export import export_networks
from keras_sandwich.exporting.running import load_program

__all__ = ["export_networks", "load_program"]
