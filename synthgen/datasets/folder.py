"""A folder of pictures of one's own: with a COCO-keypoint json beside them, or with nothing.

The json is the one that `annotations` names, else the only .json in the folder. Without one, people and
joints have to be found by models: see `synthgen.datasets.detected`.
"""

import os
from pathlib import Path

from synthgen.datasets.annotated import NOBODY, AnnotatedPictures
from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, Reader, UnusableError, make_key
from synthgen.datasets.files import Files
from synthgen.datasets.video import PICTURES
from synthgen.joints import COCO17
from synthgen.observation import Notes

ORIGIN = Origin("the folder", "you", "your own licence")
SPLITS = (SPLIT_ALL,)


class Folder:
    """Reader of a folder, its subfolders included; the order is that of the json, else of the names."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        choice.pick(SPLITS, ORIGIN)
        files = Files(ORIGIN, choice.root)
        annotations = _annotations(files, choice)
        self.has_labels = annotations is not None
        self._reader: Reader
        if annotations is None:
            self._reader = _Pictures(files)
        else:
            folders = (choice.root, choice.root / "images", annotations.parent)
            self._reader = AnnotatedPictures(files, annotations, folders, COCO17, source_of(choice.root))

    def __len__(self) -> int:
        return len(self._reader)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        return self._reader.entry(index)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        return self._reader.notes(index, image_size)


def source_of(root: Path) -> str:
    """Return what the observations of a folder say that they are from."""
    return f"folder/{root.resolve().name}"


class _Pictures:
    """Pictures of which nothing is known."""

    def __init__(self, files: Files) -> None:
        self._root = files.root
        self._names = sorted(_walk(str(files.root)))
        if not self._names:
            raise files.odd(files.root, "holds no picture", f"files ending in {', '.join(PICTURES)}")

    def __len__(self) -> int:
        return len(self._names)

    def entry(self, index: int) -> Entry:
        name = self._names[index]
        return Entry(make_key(name.rsplit(".", 1)[0], index), self._root / name, may_turn=True)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        raise UnusableError(NOBODY)


def _annotations(files: Files, choice: Choice) -> Path | None:
    if choice.annotations:
        return files.need(choice.annotations, "a json in COCO's format")
    found = sorted(choice.root.glob("*.json"))
    if len(found) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise files.odd(choice.root, f"holds {len(found)} json files ({names})", "annotations=… to say which")
    return found[0] if found else None


def _walk(root: str) -> list[str]:
    """Return the names of all pictures below a folder, relative to it; links to folders are followed once."""
    found, seen = [], set[str]()
    for folder, inner, names in os.walk(root, followlinks=True):
        inside = os.path.relpath(folder, root)
        if os.path.realpath(folder) in seen:  # a link back up, or a second one to the same place
            inner.clear()
            continue
        seen.add(os.path.realpath(folder))
        inner.sort()  # of two links to one place, the same one counts always
        for name in names:
            if os.path.splitext(name)[1].lower() in PICTURES and not name.startswith("."):
                found.append(name if inside == os.curdir else f"{inside}/{name}")
    return found
