"""A reader's pictures as they go into shards: the file's own bytes wherever possible, else encoded anew.

Bytes are kept where they are an upright RGB JPEG or PNG; grey, palette, CMYK and other files, frames of
videos and pictures that have to be turned are decoded. Where labels are for the pixels as they are stored, an
EXIF orientation is taken out of the file: browsers and OpenCV would turn the picture under its labels. A file
that ends early is found without decoding.
"""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.datasets.entry import Entry, Frame, Reader, UnusableError
from synthgen.datasets.video import MISSING, Videos
from synthgen.observation import Notes, Observation
from synthgen.shards.observation_records import StoredPicture, look_at_file
from synthgen.shards.records import ImageFormat

BROKEN = "the picture cannot be decoded"
TOO_LARGE = "the picture is too large"
MAX_BYTES = 1 << 28
MAX_SIDE = 1 << 15
ORIENTATION = 0x0112  # EXIF tag
_UPRIGHT = 1
_ON_ITS_SIDE = 5  # orientations from here on swap width and height
_JPEG_END = b"\xff\xd9"
_MARK, _SCAN, _APP1 = b"\xff", b"\xda", b"\xe1"  # in a JPEG: before each segment, and kinds of them
_PNG_HEAD = 8  # bytes before the first chunk
Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Loaded:
    """A picture that was read; either its file's bytes go into shards unchanged, or its pixels.

    Attributes:
        size: (H, W) [px], upright.
        data: bytes of the file; empty where `image` counts.
        image_format: of `data`.
        image: pixels, or None.
    """

    size: tuple[int, int]
    data: bytes
    image_format: ImageFormat
    image: Image | None

    def pixels(self) -> Image:
        """Return the pixels (H, W, 3) uint8 RGB.

        Raises:
            UnusableError: they cannot be decoded.
        """
        return decode_file(self.data) if self.image is None else self.image

    def with_notes(self, notes: Notes) -> StoredPicture | Observation:
        """Return the picture with what is known of it."""
        if self.image is None:
            return StoredPicture(notes, self.data, self.image_format)
        return notes.with_image(self.image)


def picture_of(
    reader: Reader, index: int, videos: Videos, decode: bool = False
) -> StoredPicture | Observation:
    """Return picture `index` of a data set with what is known of it.

    Args:
        reader: of the data set.
        index: of the picture.
        videos: decodes frames; one for all calls, as it remembers where it is.
        decode: look at every pixel, so that damage within a file is found; slower.

    Raises:
        UnusableError: the picture is missing or damaged, or nothing is known of it.
    """
    loaded = load(reader.entry(index), videos, decode)
    return loaded.with_notes(reader.notes(index, loaded.size))


def load(entry: Entry, videos: Videos, decode: bool = False) -> Loaded:
    """Read a picture.

    Raises:
        UnusableError: it is missing or damaged.
    """
    if isinstance(entry.picture, Frame):
        return _pixels(videos.read(entry.picture), entry.turns)
    data = read_file(entry.picture)
    try:
        image_format, size = look_at_file(data)
    except ValueError:
        return _pixels(decode_file(data, entry.may_turn), entry.turns)
    orientation = _orientation(data)
    should_turn = entry.may_turn and _should_turn(orientation, size, entry.size)
    if entry.turns % 4 or should_turn:
        return _pixels(decode_file(data, should_turn), entry.turns)
    is_whole = _is_whole(data, image_format)
    if not is_whole and image_format == "png":
        raise UnusableError(BROKEN)  # its own checksums say so
    if decode or not is_whole:
        decode_file(data)
    if orientation != _UPRIGHT:
        data = _without_exif(data)
        if _orientation(data) != _UPRIGHT:  # said in another place than cameras say it
            return _pixels(decode_file(data), 0)
    return Loaded(size, data, image_format, None)


def read_file(path: Path) -> bytes:
    """Read a picture's file.

    Raises:
        UnusableError: it is missing, unreadable or huge.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnusableError(TOO_LARGE)
        return path.read_bytes()
    except UnusableError:
        raise
    except FileNotFoundError as error:
        raise UnusableError(MISSING) from error
    except (OSError, ValueError) as error:  # a ValueError is about names no file can have
        raise UnusableError("the picture cannot be read") from error


def decode_file(data: bytes, by_exif: bool = False) -> Image:
    """Decode a picture to (H, W, 3) uint8 RGB.

    Args:
        data: of its file.
        by_exif: turn it as its EXIF orientation says.

    Raises:
        UnusableError: it cannot be decoded.
    """
    import PIL.Image
    from PIL import ImageOps, UnidentifiedImageError

    try:
        with PIL.Image.open(io.BytesIO(data)) as picture:
            if max(picture.size) > MAX_SIDE:
                raise UnusableError(TOO_LARGE)
            return np.ascontiguousarray(_rgb(ImageOps.exif_transpose(picture) if by_exif else picture))
    except UnusableError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise UnusableError(TOO_LARGE) from error
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error, UnidentifiedImageError) as error:
        raise UnusableError(BROKEN) from error


def _pixels(image: Image, turns: int) -> Loaded:
    upright = np.ascontiguousarray(np.rot90(image, -turns))
    height, width = upright.shape[:2]
    return Loaded((height, width), b"", "jpg", upright)


def _should_turn(orientation: int, size: tuple[int, int], labelled: tuple[int, int] | None) -> bool:
    """Tell whether a picture's EXIF orientation has to be applied: where labels are for the turned one."""
    if labelled is None:
        return orientation != _UPRIGHT
    return orientation >= _ON_ITS_SIDE and size != labelled and size[::-1] == labelled


def _rgb(picture: Any) -> Image:
    """Return pixels as RGB; 16-bit grey is scaled, what shines through is put on black."""
    if picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.float64)
        grey = np.clip(values / 257.0, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.asarray(picture.convert("RGB"))


def _orientation(data: bytes) -> int:
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(data)) as picture:
            return int(picture.getexif().get(ORIENTATION, _UPRIGHT))
    except (OSError, SyntaxError, ValueError, TypeError):
        return _UPRIGHT


def _without_exif(data: bytes) -> bytes:
    """Return a JPEG without its EXIF segments, the picture itself as it is; what is no JPEG as it is."""
    kept, place = [data[:2]], 2
    while data[place : place + 1] == _MARK and data[place + 1 : place + 2] != _SCAN:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1 : place + 2] != _APP1 or data[place + 4 : place + 8] != b"Exif":
            kept.append(data[place:end])
        place = end
    return b"".join(kept) + data[place:]


def _is_whole(data: bytes, image_format: str) -> bool:
    """Tell whether a file surely ends where its picture does; cheap, and sees no damage within."""
    if image_format == "jpg":
        return data.rstrip(b"\0").endswith(_JPEG_END)
    place = _PNG_HEAD
    while place + 12 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        content = data[place + 4 : place + 8 + length]
        check = data[place + 8 + length : place + 12 + length]
        if zlib.crc32(content) != int.from_bytes(check, "big") or len(check) < 4:
            return False
        if kind == b"IEND":
            return True
        place += 12 + length
    return False
