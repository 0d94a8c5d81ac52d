"""The linear start is there whichever call is the first, and so builds the model."""

import keras
import numpy as np
import pytest
from keras import ops
from photographs import noise

import keras_sandwich as ks

PICTURES = noise(4, 16, 16, 3, low=60, high=190)


def sandwich():
    model = ks.models.create_basic_model(
        use_unet_preprocessor=False, use_unet_postprocessor=False, gamma=100.0
    )
    model.compile(keras.optimizers.SGD(0.0))
    return model


FIRST_CALLS = {
    "build": lambda model: model.build((None, None, None, 3)),
    "call": lambda model: model(PICTURES),
    "fit": lambda model: model.fit(PICTURES, verbose=0),
    "predict": lambda model: model.predict(PICTURES, verbose=0),
    "evaluate": lambda model: model.evaluate(PICTURES, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(PICTURES),
    "symbolic call": lambda model: model(keras.Input((16, 16, 3))),
    "preprocess": lambda model: model.preprocess(PICTURES),
}


@pytest.mark.parametrize("first", FIRST_CALLS)
def test_sandwich_starts_as_the_linear_baseline(first):
    model = sandwich()
    FIRST_CALLS[first](model)
    chain = ks.models.create_linear_baseline()
    for step, pictures in (("preprocess", PICTURES), ("postprocess", PICTURES[..., :1])):
        expected, actual = (
            ops.convert_to_numpy(getattr(each, step)(pictures)) for each in (chain, model)
        )
        np.testing.assert_allclose(actual, expected, atol=1e-3)


@pytest.mark.parametrize("first", ["predict", "functional model"])
def test_a_processor_alone_starts_as_the_linear_baseline(first):
    small = noise(2, 10, 12, 3, low=60, high=190)
    postprocessor = ks.models.Postprocessor(3, downsample_factor=2)
    if first == "predict":
        postprocessor.predict(small, verbose=0)
    else:
        inputs = keras.Input((10, 12, 3))
        keras.Model(inputs, postprocessor(inputs)).predict(small, verbose=0)
    expected = ops.convert_to_numpy(ks.ops.resize(small, (20, 24), "lanczos3"))
    np.testing.assert_allclose(ops.convert_to_numpy(postprocessor(small)), expected, atol=1e-3)
