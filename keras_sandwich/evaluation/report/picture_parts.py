"""Which part of a picture a page shows, and which it enlarges."""

import numpy as np

LARGEST_SIDE = 1024  # of a picture on the page; of larger ones a part is shown
ZOOM_SIDE = 64
Box = tuple[int, int, int, int]  # top, left, height, width


def most_detailed(picture: np.ndarray, side: int = ZOOM_SIDE) -> Box:
    """The square of the picture with the largest squared differences of neighbours: a choice that favours no system."""
    plane = np.asarray(picture, "float64").mean(axis=-1)
    height, width = plane.shape
    detail = np.zeros((height + 1, width + 1))
    detail[1:, 1:-1] += np.diff(plane, axis=1) ** 2
    detail[1:-1, 1:] += np.diff(plane, axis=0) ** 2
    total = detail.cumsum(axis=0).cumsum(axis=1)
    h, w = min(side, height), min(side, width)
    tops, lefts = (np.arange(0, size - part + 1, 4) for size, part in ((height, h), (width, w)))
    sums = (
        total[np.ix_(tops + h, lefts + w)]
        - total[np.ix_(tops, lefts + w)]
        - total[np.ix_(tops + h, lefts)]
        + total[np.ix_(tops, lefts)]
    )
    row, column = np.unravel_index(np.argmax(sums), sums.shape)
    return int(tops[row]), int(lefts[column]), h, w


def around(box: Box, height: int, width: int, side: int = LARGEST_SIDE) -> Box:
    """The part of a picture that is shown: all of it, or as much around the box as the side allows."""
    h, w = min(side, height), min(side, width)
    top = min(max(box[0] + box[2] // 2 - h // 2, 0), height - h)
    left = min(max(box[1] + box[3] // 2 - w // 2, 0), width - w)
    return top, left, h, w


def crop(picture: np.ndarray, box: Box) -> np.ndarray:
    """The pixels of a box."""
    top, left, height, width = box
    return picture[top : top + height, left : left + width]


def scaled(box: Box, size: tuple[int, int], new_size: tuple[int, int]) -> Box:
    """The same box in the picture at another size."""
    (top, height), (left, width) = (
        (round(start * new / old), max(1, round(length * new / old)))
        for start, length, old, new in zip(box[:2], box[2:], size, new_size, strict=True)
    )
    return top, left, height, width
