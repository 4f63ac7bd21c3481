"""COCO keypoints: people in everyday pictures; with SMPL fits where `fits` names EFT's or NeuralAnnot's file.

`annotations/person_keypoints_{train,val}2017.json` (or 2014) and `train2017/` (or `images/train2017/`).
"""

from pathlib import Path

from synthgen.datasets.annotated import AnnotatedPictures
from synthgen.datasets.entry import Choice, Origin
from synthgen.datasets.files import Files
from synthgen.datasets.fits import Fits
from synthgen.joints import COCO17

ORIGIN = Origin("COCO", "https://cocodataset.org", "annotations CC BY 4.0; pictures by Flickr's terms")
SPLITS = ("train", "val")
YEARS = ("2017", "2014")


class COCO(AnnotatedPictures):
    """Reader of a split; pictures without labelled people are left out."""

    origin, splits = ORIGIN, SPLITS

    def __init__(self, choice: Choice) -> None:
        split = choice.pick(SPLITS, ORIGIN)
        files = Files(ORIGIN, choice.root)
        places = [choice.annotations] if choice.annotations else []
        places = places or [f"annotations/person_keypoints_{split}{year}.json" for year in YEARS]
        path = files.first(places, "COCO's person_keypoints json")
        year = next((year for year in YEARS if f"{split}{year}" in path.name), YEARS[0])
        names = (f"{split}{year}", f"images/{split}{year}", "images", "")
        folders = tuple(choice.root / name for name in names)
        fits = Fits(Path(choice.fits).expanduser()) if choice.fits else None
        super().__init__(files, path, folders, COCO17, f"coco/{split}", fits)
