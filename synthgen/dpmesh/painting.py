"""The pixels of crops: decode, cut, colour, occlude; Pillow only, in milliseconds.

JPEGs of people that are larger than the crop are decoded at a half, a quarter or an eighth, which is both
faster and smoother. Decoded pictures stay in memory up to a limit.
"""

import io
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthgen.dpmesh.augment import Change
from synthgen.dpmesh.occluders import occlude
from synthgen.geometry import Array
from synthgen.shards.observation_records import StoredPicture
from synthgen.shards.records import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

REDUCTIONS = (8, 4, 2)  # whole factors that JPEG decoders shrink by on the way
BYTES_PER_PIXEL = 4  # of Pillow's RGB pictures


class Decoder:
    """Decodes stored pictures, and remembers the latest of them.

    Args:
        cache_mb: most that remembered pictures may take [MB]; 0 remembers none.
    """

    def __init__(self, cache_mb: float) -> None:
        self._limit = int(cache_mb * 1e6)
        self._kept: OrderedDict[tuple[int, int], tuple[StoredPicture, Image.Image]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __call__(self, picture: StoredPicture, reduction: int) -> "Image.Image":
        """Return a picture, smaller by a whole factor.

        Raises:
            ValueError: it is damaged, no RGB, or of another size than its record says.
        """
        name = (id(picture), reduction)  # held together with the picture, so that the id stays its own
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name][1]
        image = decode(picture, reduction)
        with self._lock:
            if name not in self._kept:
                self._kept[name] = (picture, image)
                self._size += _bytes(image)
            while self._size > self._limit and self._kept:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._size -= _bytes(oldest)
        return image


def decode(picture: StoredPicture, reduction: int) -> "Image.Image":
    """Decode a picture to its size divided by `reduction`, rounded up; see `Decoder`."""
    from PIL import Image, UnidentifiedImageError

    suffix, (height, width) = picture.image_format, picture.notes.image_size
    try:
        with Image.open(io.BytesIO(picture.data), formats=("JPEG", "PNG")) as image:
            if image.mode != "RGB":
                raise ValueError(f"{suffix} has mode {image.mode}, expected RGB")
            if image.size != (width, height) or width * height > MAX_PIXELS:
                raise ValueError(
                    f"{suffix} is {image.width}x{image.height}, the record says {width}x{height}"
                )
            if reduction > 1:
                image.draft("RGB", (max(1, width // reduction), max(1, height // reduction)))
                left = reduction * image.width // width
                if left > 1:
                    return image.reduce(left)
            image.load()
            return image
    except (OSError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"{suffix} cannot be decoded: {error}") from error


def reduction_of(affine: Array) -> int:
    """Return the whole factor that a picture may shrink by before it is cut without losing detail."""
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    return next((factor for factor in REDUCTIONS if scale * factor <= 1), 1)


def paint(
    image: "Image.Image", affine: Array, side: int, change: Change, reduction: int
) -> NDArray[np.uint8]:
    """Cut a crop out of a picture, bilinear, black outside.

    Args:
        image: decoded, smaller than the picture by the factor `reduction`.
        affine: (2, 3) from pixels of the whole picture to pixels of the crop.
        side: of the crop [px].
        change: its colours and occluders.
        reduction: see `reduction_of`.

    Returns:
        (side, side, 3) uint8 RGB.
    """
    from PIL import Image

    inverse = np.linalg.inv(affine[:, :2])
    start = inverse @ (-0.5 - affine[:, 2]) + 0.5  # Pillow's origin is the corner of the first pixel
    a, b, c = (np.column_stack([inverse, start])[0] / reduction).tolist()
    d, e, f = (np.column_stack([inverse, start])[1] / reduction).tolist()
    crop = image.transform(
        (side, side), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
    )
    occlude(crop, change.occluders, change.seed)
    if (change.color != 1).any():
        steps = np.clip(np.arange(256) * change.color[:, None], 0, 255).round().astype(int)
        crop = crop.point(steps.ravel().tolist())
    return np.asarray(crop)


def _bytes(image: "Image.Image") -> int:
    return image.width * image.height * BYTES_PER_PIXEL
