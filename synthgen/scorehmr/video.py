"""Video files, read and written where PyAV is installed; folders of frames need none (`inputs`)."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".gif")


def is_video(path: Path) -> bool:
    """Tell whether a path is a file with the suffix of a video."""
    return path.is_file() and path.suffix.lower() in SUFFIXES


def read_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames (H, W, 3) uint8 RGB of a video file.

    Raises:
        ValueError: no decoder is installed, or the file cannot be decoded.
    """
    if path.suffix.lower() == ".gif":
        return _gif(path)
    if find_spec("av") is None:
        raise ValueError(
            f"{path}: reading videos needs PyAV (pip install synthgen[video]); or give a folder of frames: "
            f"ffmpeg -i {path.name} frames/%06d.png"
        )
    return _av(path)


def can_write() -> bool:
    """Tell whether an encoder is installed."""
    return find_spec("av") is not None


def write_frames(path: Path, frames: Sequence[NDArray[np.uint8]], rate: float) -> None:
    """Write frames (H, W, 3) uint8 RGB of one size as an .mp4; needs PyAV (see `can_write`).

    An odd last row or column is left out, as the format wants.

    Args:
        path: of the file.
        frames: at least one.
        rate: frames a second.
    """
    import av

    height, width = (side - side % 2 for side in frames[0].shape[:2])
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=Fraction(rate).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            cut = np.ascontiguousarray(frame[:height, :width])
            file.mux(stream.encode(av.VideoFrame.from_ndarray(cut, format="rgb24")))
        file.mux(stream.encode())


def _gif(path: Path) -> Iterator[NDArray[np.uint8]]:
    from PIL import Image, ImageSequence, UnidentifiedImageError

    try:
        with Image.open(path) as file:
            for frame in ImageSequence.Iterator(file):
                yield np.asarray(frame.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise ValueError(f"{path} cannot be decoded: {error}") from error


def _av(path: Path) -> Iterator[NDArray[np.uint8]]:
    import av

    try:
        with av.open(str(path)) as file:
            if not file.streams.video:
                raise ValueError(f"{path} holds no pictures")
            for frame in file.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded: {error}") from error
