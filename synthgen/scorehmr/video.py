"""Frames of a video file, where a decoder is installed; folders of frames need none (`inputs`)."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

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
            f"{path}: reading videos needs PyAV (pip install av); or give a folder of frames: "
            f"ffmpeg -i {path.name} frames/%06d.png"
        )
    return _av(path)


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
            for frame in file.decode(video=0):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except av.FFmpegError as error:
        raise ValueError(f"{path} cannot be decoded: {error}") from error
