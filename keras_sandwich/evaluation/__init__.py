"""Measuring sandwiches with the files of real codecs."""

from keras_sandwich.evaluation.baselines import (
    CodecAlone,
    best_subsampling,
    untrained_baselines,
)
from keras_sandwich.evaluation.bjontegaard import bd_psnr, bd_rate
from keras_sandwich.evaluation.bootstrap import confidence_interval
from keras_sandwich.evaluation.comparison import Comparison, compare_at
from keras_sandwich.evaluation.curve import RDCurve, rd_table
from keras_sandwich.evaluation.frontier import pareto_frontier, upper_envelope
from keras_sandwich.evaluation.joining import join_pictures
from keras_sandwich.evaluation.loss_measures import loss_measure, lpips, render_psnr
from keras_sandwich.evaluation.measuring import rd_curve
from keras_sandwich.evaluation.normal_maps import NormalMapBaseline, normal_angle
from keras_sandwich.evaluation.plots import plot_pictures, plot_rd
from keras_sandwich.evaluation.pu21 import pu21_psnr
from keras_sandwich.evaluation.quality import Measure
from keras_sandwich.evaluation.report.page import write_report
from keras_sandwich.evaluation.results import load_results, save_results
from keras_sandwich.evaluation.vmaf import vmaf

__all__ = [
    "CodecAlone",
    "Comparison",
    "Measure",
    "NormalMapBaseline",
    "RDCurve",
    "bd_psnr",
    "bd_rate",
    "best_subsampling",
    "compare_at",
    "confidence_interval",
    "join_pictures",
    "load_results",
    "loss_measure",
    "lpips",
    "normal_angle",
    "pareto_frontier",
    "plot_pictures",
    "plot_rd",
    "pu21_psnr",
    "rd_curve",
    "rd_table",
    "render_psnr",
    "save_results",
    "untrained_baselines",
    "upper_envelope",
    "vmaf",
    "write_report",
]
