"""Real data sets read into Observations: one file a layout, and the table of them.

To add one: a file with a reader (see `entry.Reader`), and a line here.
"""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synthgen.datasets.entry import Choice, LayoutError, Origin, Reader

DATASETS: Mapping[str, str] = {  # name in configs -> "module:class"
    "ski_poseptz": "synthgen.datasets.ski_poseptz:SkiPosePTZ",
    "smart": "synthgen.datasets.smart:Smart",
    "3dpw": "synthgen.datasets.threedpw:ThreeDPW",
    "athletepose3d": "synthgen.datasets.athletepose:AthletePose3D",
    "sportspose": "synthgen.datasets.sportspose:SportsPose",
    "aist": "synthgen.datasets.aist:AIST",
    "mpii": "synthgen.datasets.mpii:MPII",
    "coco": "synthgen.datasets.coco:COCO",
    "emdb": "synthgen.datasets.emdb:EMDB",
    "3doh": "synthgen.datasets.threedoh:ThreeDOH",
    "cmu_panoptic": "synthgen.datasets.panoptic:Panoptic",
    "scorehmr": "synthgen.datasets.batched:Batched",
    "folder": "synthgen.datasets.folder:Folder",
}

__all__ = ["DATASETS", "find", "open_dataset"]


def find(name: str) -> Any:
    """Return the reader class of a data set; it tells `origin` and `splits`, the first the default."""
    module, _, cls = DATASETS[name].partition(":")
    return getattr(importlib.import_module(module), cls)


def open_dataset(name: str, choice: Choice) -> Reader:
    """Open a data set.

    Raises:
        LayoutError: a file is missing or odd; the message says which, what was expected there, and where the
            data set comes from under which licence.
    """
    cls = find(name)
    origin: Origin = cls.origin
    if not choice.root.is_dir():
        raise LayoutError(f"{choice.root}: no such folder; expected the data set. {origin}")
    reader: Reader = cls(replace(choice, root=choice.root.absolute()))  # readers join its paths to it again
    return reader
