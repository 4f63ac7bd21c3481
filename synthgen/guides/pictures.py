"""Picture files of anybody's making, as RGB arrays: turned as their EXIF says, whatever their colours."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen import storage
from synthgen.guides.reading import UnreadableError, list_files
from synthgen.guides.squares import Image8

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
CAPTION_SUFFIX = ".txt"
MAX_PIXELS = 80_000_000  # of a picture; decoded, it takes 240 MB
MAX_CAPTION_BYTES = 1 << 16
DAMAGED = "picture cannot be read"
_FORMATS = ("JPEG", "PNG", "WEBP")
_BEHIND = (255, 255, 255)  # what shows through transparent pixels


@dataclass(frozen=True)
class PictureFiles:
    """The pictures below a folder.

    Attributes:
        folder: local path or fsspec URL.
        names: of the pictures in it, relative, sorted.
    """

    folder: str
    names: tuple[str, ...]

    def picture(self, number: int, side: int) -> Image8:
        """Return a picture (H, W, 3).

        Args:
            number: of the picture, from 0.
            side: resolution that is needed [px]; a JPEG much larger is decoded at a half, quarter or eighth.

        Raises:
            UnreadableError: it is damaged or far too large.
            StorageError: the file cannot be read.
        """
        url = storage.join(self.folder, self.names[number])
        try:
            return decode_any(storage.read_bytes(url), side)
        except ValueError as error:
            raise UnreadableError(DAMAGED, f"{url}: {error}") from error

    def caption(self, number: int) -> str:
        """Return the text beside a picture, white space made single blanks.

        Raises:
            UnreadableError: it is empty or not UTF-8.
            StorageError: the file cannot be read.
        """
        url = storage.join(self.folder, caption_name(self.names[number]))
        try:
            text = " ".join(storage.read_bytes(url, MAX_CAPTION_BYTES).decode("utf-8-sig").split())
        except UnicodeDecodeError as error:
            raise UnreadableError("caption cannot be read", f"{url} is not UTF-8: {error}") from error
        if not text:
            raise UnreadableError("caption cannot be read", f"{url} is empty")
        return text


def find_pictures(folder: str, needs_captions: bool) -> PictureFiles:
    """List the pictures below a folder.

    Raises:
        ValueError: there are none, or some lack the caption that they need.
        StorageError: a folder cannot be listed.
    """
    names = list_files(folder, SUFFIXES)
    if not names:
        raise ValueError(
            f"path: {folder} holds no picture ({', '.join(SUFFIXES)}) and no shard (<run>-000000.tar); set "
            "path to a folder with pictures"
        )
    if needs_captions:
        there = set(list_files(folder, (CAPTION_SUFFIX,)))
        bare = [name for name in names if caption_name(name) not in there]
        if bare:
            raise ValueError(
                f"captions: {len(bare)} of {len(names)} pictures in {folder} have no caption, the first is "
                f"{bare[0]}; expected {caption_name(bare[0])} beside it, or set captions to prompts"
            )
    return PictureFiles(folder, tuple(names))


def caption_name(name: str) -> str:
    """Return the name of the caption of a picture: "a/b.jpg" -> "a/b.txt"."""
    return name.rpartition(".")[0] + CAPTION_SUFFIX


def decode_any(data: bytes, side: int) -> Image8:
    """Decode a JPEG, PNG or WebP to (H, W, 3); see `PictureFiles.picture`.

    Raises:
        ValueError: it is damaged or has too many pixels.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValueError(f"{picture.width}x{picture.height} px is more than {MAX_PIXELS} pixels")
            picture.draft(None, (2 * side, 2 * side))
            return np.array(_to_rgb(ImageOps.exif_transpose(picture)))
    except (OSError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot be decoded: {error}") from error


def _to_rgb(picture: Any) -> Any:
    """Return a Pillow picture of any mode as RGB; 16 bits are brought to 8, transparency to white."""
    from PIL import Image

    if picture.mode.startswith("I"):
        deep = np.asarray(picture, np.float64)
        picture = Image.fromarray(np.rint(np.clip(deep / 257, 0, 255)).astype(np.uint8))
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, (*_BEHIND, 255)), clear).convert("RGB")
    return picture.convert("RGB")
