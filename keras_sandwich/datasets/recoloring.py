"""Pictures in other colours, so that no network learns the colours of a few photographs by heart."""

from collections.abc import Sequence

import numpy as np

from keras_sandwich._arguments import require_integers
from keras_sandwich.datasets.pictures import as_picture
from keras_sandwich.ops.color import RGB_TO_YUV, YUV_TO_RGB

LOG_SATURATION = (-0.5, 0.4)
LOG_GAMMA = (-0.35, 0.35)


def recolor(pictures: Sequence[np.ndarray], copies: int = 15, seed: int = 0) -> list[np.ndarray]:
    """Each picture, and copies of it in other colours: to train on where there are few pictures.

    A sandwich that carries colour over a grayscale codec can do without the carrying where it knows what colour a thing
    has. Trained on a few photographs it soon knows theirs, and fails with all others. In a copy the chroma is turned by
    an angle and scaled by exp(−0.5…0.4), and the luma has a γ of exp(±0.35), all drawn evenly; the shapes stay.

    Example:

    ```python
    import keras_sandwich as ks

    photographs = ks.datasets.sample_images("train")[:4]
    crops = ks.datasets.image_folder(ks.datasets.recolor(photographs, copies=2), crop_size=128)
    assert len(crops.names) == 12
    ```

    Args:
        pictures: of [height, width, 3] in [0, 255] each.
        copies: how many others of each picture.
        seed: of what is drawn.

    Returns:
        uint8 arrays: for each picture itself, rounded, and its copies, all in the order of `pictures`.

    Raises:
        ValueError: `copies` is no integer of at least 0, or an array is not a picture.
    """
    require_integers(0, copies=copies)
    generator = np.random.default_rng(seed)
    recolored = []
    for number, picture in enumerate(pictures):
        pixels = as_picture(picture, f"pictures[{number}]").astype("float32")
        recolored.append(_to_bytes(pixels))
        yuv = pixels @ RGB_TO_YUV.T.astype("float32")
        for _ in range(copies):
            angle = generator.uniform(0.0, 2.0 * np.pi)
            saturation = np.exp(generator.uniform(*LOG_SATURATION))
            gamma = np.exp(generator.uniform(*LOG_GAMMA))
            turn = saturation * np.exp(1j * angle)
            chroma = (yuv[..., 1] + 1j * yuv[..., 2]) * turn
            luma = 255.0 * (np.maximum(yuv[..., 0], 0.0) / 255.0) ** gamma
            turned = np.stack([luma, chroma.real, chroma.imag], axis=-1)
            recolored.append(_to_bytes(turned @ YUV_TO_RGB.T))
    return recolored


def _to_bytes(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.round(pixels), 0, 255).astype("uint8")
