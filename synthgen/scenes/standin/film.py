"""How the stand-in's camera records: soft, noisy, tinted, compressed; an old action or broadcast camera."""

import io

import numpy as np

from synthgen.scenes.effects import Uint8, motion_blur, vignette
from synthgen.scenes.noise import Float32, single

_CASTS = np.array(  # gains of red, green, blue: lamps and film that nobody balanced
    [(1.22, 1.0, 0.68), (0.78, 1.0, 1.22), (0.88, 1.14, 0.86), (1.12, 0.88, 1.10), (1.10, 1.05, 0.82)]
)
_LUMINANCE = single([0.299, 0.587, 0.114])


def _resampled(picture: Float32, part: float) -> Float32:
    """Return the picture as if it had been taken with `part` of its pixels."""
    from PIL import Image

    height, width = picture.shape[:2]
    image = Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))
    small = image.resize((max(round(width * part), 8), max(round(height * part), 8)), Image.Resampling.BOX)
    large = small.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large).astype(np.float32) / np.float32(255)


def _grain(shape: tuple[int, ...], step: int, rng: np.random.Generator) -> Float32:
    """Return noise of unit variance whose grains are `step` pixels wide."""
    height, width, channels = shape
    size = (-(-height // step), -(-width // step), channels)
    coarse = rng.standard_normal(size, dtype=np.float32)
    return coarse.repeat(step, 0).repeat(step, 1)[:height, :width]


def _compressed(image: Uint8, quality: int) -> Uint8:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling=2)
    return np.asarray(Image.open(stream).convert("RGB"))


def develop(image: Uint8, mask: Uint8, blur: float, noise: float, rng: np.random.Generator) -> Uint8:
    """Return the picture as that camera would have taken it; arguments as of `effects.develop`.

    Its sharpness, noise, tint, curve and compression are its own; `blur` and `noise` scale motion blur and
    grain, and 0 switches them off.
    """
    picture = image.astype(np.float32) * np.float32(1 / 255)
    part, quality = rng.uniform(0.55, 0.95), int(rng.integers(22, 60))
    length, angle = blur * image.shape[1] * rng.uniform() ** 2, rng.uniform(0, np.pi)
    cast = 1 + rng.uniform(0.3, 1.0) * (_CASTS[int(rng.integers(len(_CASTS)))] - 1)
    faded, gamma, lifted = rng.uniform(0.0, 0.5), rng.uniform(0.6, 1.1), rng.uniform(0.0, 0.12)
    if length and rng.uniform() < 0.5:
        picture = motion_blur(picture, 0.7 * length, angle)
    picture = _resampled(picture, part)
    grey = (picture @ _LUMINANCE)[..., None]
    picture = (picture + np.float32(faded) * (grey - picture)) * cast.astype(np.float32)
    picture = np.clip(picture, 0, 1) ** np.float32(gamma)
    picture = np.float32(lifted) + (1 - np.float32(lifted)) * picture
    picture *= vignette(image.shape[:2], rng.uniform(0.05, 0.45))
    strength = noise * rng.uniform(0.4, 1.4)
    if strength > 0:
        step = int(rng.integers(1, 3))
        picture += np.float32(strength) * _grain((*picture.shape[:2], 1), step, rng)
        picture += np.float32(0.6 * strength) * _grain(picture.shape, step + 1, rng)
    return _compressed((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8), quality)
