"""What a real camera adds to a picture: exposure, white balance, vignette, motion blur, sensor noise."""

import numpy as np
from numpy.typing import NDArray

from synthgen.scenes.noise import Float32

Uint8 = NDArray[np.uint8]


def _shifted(picture: Float32, dy: int, dx: int) -> Float32:
    """Return the picture moved by whole pixels, its edge repeated."""
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((abs(dy), abs(dy)), (abs(dx), abs(dx)), (0, 0)), mode="edge")
    top, left = abs(dy) - dy, abs(dx) - dx
    return padded[top : top + height, left : left + width]


def motion_blur(picture: Float32, length: float, angle: float) -> Float32:
    """Smear a picture (H, W, C) along a straight line.

    Args:
        picture: any channels.
        length: of the path [px]; below 1.2 nothing happens.
        angle: of the path in the picture [rad].
    """
    if length < 1.2:
        return picture
    count = int(np.ceil(length)) + 1
    steps = np.linspace(-0.5, 0.5, count) * length
    moves = {(int(np.round(s * np.sin(angle))), int(np.round(s * np.cos(angle)))) for s in steps}
    total = np.zeros_like(picture)
    for dy, dx in sorted(moves):
        total += _shifted(picture, dy, dx)
    return total / np.float32(len(moves))


def subject_blur(picture: Float32, mask: Uint8, length: float, angle: float) -> Float32:
    """Smear the people (mask 1..254) over a sharp background."""
    inside = ((mask > 0) & (mask < 255)).astype(np.float32)[..., None]
    layer = motion_blur(np.concatenate([picture * inside, inside], -1), length, angle)
    cover = layer[..., 3:]
    return layer[..., :3] + picture * (1 - cover)


def vignette(size: tuple[int, int], strength: float) -> Float32:
    """Return the (H, W, 1) gain of a lens that darkens towards the corners by `strength`."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in size)
    return (1 - np.float32(strength / 2) * (y[:, None] ** 2 + x[None, :] ** 2))[..., None]


def develop(image: Uint8, mask: Uint8, blur: float, noise: float, rng: np.random.Generator) -> Uint8:
    """Return the picture as a camera would have taken it.

    Args:
        image: (H, W, 3) sRGB.
        mask: (H, W) as in `Sample.mask`, to blur people alone.
        blur: longest smear as a part of the picture's width; 0 for none.
        noise: standard deviation of the sensor noise at middle grey, of full scale, at most; 0 for none.
        rng: of the sample.
    """
    height, width = image.shape[:2]
    gain = rng.normal(1, (0.02, 0.01, 0.02)) * rng.uniform(0.88, 1.1)
    contrast, dark = rng.uniform(0.92, 1.08), rng.uniform(0.0, 0.3)
    length, angle, moves = blur * width * rng.uniform() ** 2, rng.uniform(0, np.pi), rng.uniform()
    strength = noise * rng.uniform(0.1, 1.0)
    picture = image.astype(np.float32) * np.float32(1 / 255)
    if moves < 0.25:
        picture = motion_blur(picture, 0.5 * length, angle)
    elif moves < 0.6:
        picture = subject_blur(picture, mask, length, angle)
    picture = (picture - np.float32(0.45)) * np.float32(contrast) + np.float32(0.45)
    picture = picture * gain.astype(np.float32) * vignette((height, width), dark)
    if strength > 0:
        grain = rng.standard_normal(picture.shape, dtype=np.float32)
        shot = np.sqrt(np.clip(picture, 0.02, 1)) * np.float32(strength / np.sqrt(0.45))
        picture += grain * (shot * np.float32(0.85) + np.float32(0.3 * strength))
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
