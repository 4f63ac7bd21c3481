"""Frames of a data set's videos: pictures in a folder beside the video, or the video itself, decoded by PyAV.

A folder of frames is named as the video without its suffix (`ffmpeg -i clip.mp4 -qscale:v 2 clip/%06d.jpg`);
its pictures, sorted by name, are the frames from the first on, and are copied as they are.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.datasets.entry import Frame, LayoutError, UnusableError

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
MISSING = "the picture is missing"


def frame_of(video: Path, index: int) -> Path | Frame:
    """Return where frame `index` of a video is: in the folder of its frames, if there is one.

    Raises:
        UnusableError: the folder has fewer frames.
    """
    if index < 0:
        raise UnusableError("the labels name no frame of the video")
    frames = _known_frames(video)
    if frames is None:
        return Frame(video, index)
    if index >= len(frames):
        raise UnusableError("the clip has fewer frames than labels")
    return frames[index]


def is_there(video: Path) -> bool:
    """Tell whether there is a video or a folder of its frames."""
    return os.path.isfile(video) or _frames_of(video) is not None


@lru_cache(maxsize=16)
def _known_frames(video: Path) -> tuple[Path, ...] | None:
    return _frames_of(video)


def _frames_of(video: Path) -> tuple[Path, ...] | None:
    folder = video.with_suffix("")
    if folder == video or not os.path.isdir(folder):
        return None
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)) or None


class Videos:
    """Decodes frames; going forward through a video is fast, going back starts it again."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._frames: Iterator[NDArray[np.uint8]] = iter(())
        self._next = 0
        self._ends: dict[Path, tuple[int, str]] = {}  # of videos that ended: their length, and why

    def read(self, frame: Frame) -> NDArray[np.uint8]:
        """Return a frame (H, W, 3) uint8 RGB.

        Raises:
            UnusableError: the video is missing, ends before, or cannot be decoded.
            LayoutError: no decoder is installed.
        """
        length, reason = self._ends.get(frame.video, (frame.index + 1, ""))
        if frame.index >= length:
            raise UnusableError(reason)
        if frame.video != self._path or frame.index < self._next:
            self._path, self._frames, self._next = frame.video, _decode(frame.video), 0
        reason = "the video ends before this frame"
        try:
            for image in self._frames:
                self._next += 1
                if self._next == frame.index + 1:
                    return image
        except UnusableError as error:
            reason = str(error)
        self._path, self._ends[frame.video] = None, (self._next, reason)
        raise UnusableError(reason)


def _decode(path: Path) -> Iterator[NDArray[np.uint8]]:
    if not os.path.isfile(path):
        raise UnusableError(MISSING)
    if find_spec("av") is None:
        raise LayoutError(
            f"{path}: decoding videos needs PyAV (pip install 'synthgen[video]'); or put its frames into a "
            f"folder: ffmpeg -i {path.name} -qscale:v 2 {path.stem}/%06d.jpg"
        )
    import av

    try:
        with av.open(str(path)) as file:
            stream: Any = file.streams.video[0]
            stream.thread_type = "AUTO"
            for image in file.decode(stream):
                yield image.to_ndarray(format="rgb24")
    except (av.FFmpegError, IndexError) as error:
        raise UnusableError("the video cannot be decoded") from error
