"""At encode time: a picture's own coefficients, chosen by what the second network makes of them."""

from keras_sandwich.refinement.refine import refine_jpeg

__all__ = ["refine_jpeg"]
