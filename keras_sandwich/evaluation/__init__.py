"""Measuring sandwiches with the files of real codecs."""

from keras_sandwich.evaluation.baselines import (
    CodecAlone,
    classical_chain,
    postprocessor_alone,
    preprocessor_alone,
)
from keras_sandwich.evaluation.plots import plot_pictures, plot_rd
from keras_sandwich.evaluation.rate_distortion import RDCurve, rd_curve, rd_table

__all__ = [
    "CodecAlone",
    "RDCurve",
    "classical_chain",
    "plot_pictures",
    "plot_rd",
    "postprocessor_alone",
    "preprocessor_alone",
    "rd_curve",
    "rd_table",
]
