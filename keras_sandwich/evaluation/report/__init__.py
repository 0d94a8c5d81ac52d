"""A comparison as one HTML file that a browser opens from disk."""

from keras_sandwich.evaluation.report.page import write_report

__all__ = ["write_report"]
