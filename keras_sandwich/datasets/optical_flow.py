"""The motion between the frames of a clip, found by OpenCV's dense inverse search."""

from typing import Any

import numpy as np

from keras_sandwich._optional import import_library


def dense_flow(clip: np.ndarray) -> np.ndarray:
    """Where in the frame before each pixel of a clip comes from: dense inverse search on its luma.

    Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016; OpenCV's `DISOpticalFlow`, its "medium"
    preset.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    picture = ks.datasets.sample_images("test")[0]
    clip = np.stack([picture[t : t + 96, 2 * t : 2 * t + 96] for t in range(2)])
    flow = ks.datasets.dense_flow(clip)  # found (1, 2) further in the frame before
    assert flow.shape == (1, 96, 96, 2)
    assert np.abs(np.median(flow, axis=(0, 1, 2)) - (1, 2)).max() < 0.2
    ```

    Args:
        clip: uint8 [frames, height, width, 3], R, G and B; at least 16 pixels high and wide.

    Returns:
        float32 [frames − 1, height, width, 2], in pixels: rows, columns; `flow[t − 1]` is that of frame t, as
        `CompressVideoModel` takes it.

    Raises:
        ImportError: OpenCV is not installed.
    """
    opencv: Any = import_library("cv2", '`flow="dis"`', "video")
    gray = [opencv.cvtColor(frame, opencv.COLOR_RGB2GRAY) for frame in clip]
    search = opencv.DISOpticalFlow_create(opencv.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = np.zeros((len(clip) - 1, *clip.shape[1:3], 2), "float32")
    for t in range(1, len(clip)):
        flow[t - 1] = search.calc(gray[t], gray[t - 1], None)[..., ::-1]  # OpenCV: columns, rows
    return flow
