"""Small clips that move, for video codecs."""

import numpy as np


def moving_clip(
    channels: int, bits: int = 8, frames: int = 3, height: int = 64, width: int = 80
) -> np.ndarray:
    """Waves that drift, with a texture on them, as integers of so many bits."""
    down, across = np.mgrid[0:height, 0:width]
    texture = np.random.default_rng(0).normal(0, 0.02, (height + frames, width + 2 * frames))
    clip = []
    for t in range(frames):
        waves = [
            np.sin((across + 2 * t) / (7 + n)) + np.cos((down - t) / (9 - n))
            for n in range(channels)
        ]
        moved = texture[t : t + height, 2 * t : 2 * t + width, None]
        clip.append((np.stack(waves, -1) + 2) / 4.4 + 0.04 + moved)
    levels = np.clip(np.rint(np.stack(clip) * (2**bits - 1)), 0, 2**bits - 1)
    return levels.astype("uint8" if bits == 8 else "uint16")
