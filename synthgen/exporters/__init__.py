"""Shards written in the formats that other trainers read: one file a format, and the table of them.

`export` goes through shards and hands their pictures to a format; `intake` reads pictures, `figures`
completes people's joints, `joint_sets` are the trainers' joints, `boxes` their boxes; `columns`, `pickles`,
`rle` and `folder` write; `checking` is what the checks of several formats have in common.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from synthgen.fields import Setting, fill, nearest

FORMATS = {
    "4d_humans": "synthgen.exporters.hmr2_tars:HMR2Tars",
    "4d_humans_eval": "synthgen.exporters.hmr2_evaluation:HMR2Evaluation",
    "scorehmr_eval": "synthgen.exporters.hmr2_evaluation:HMR2Evaluation",
    "scorehmr_groups": "synthgen.exporters.scorehmr_groups:ScoreHMRGroups",
    "spin": "synthgen.exporters.spin:SPIN",
    "dapa": "synthgen.exporters.spin:SPIN",
    "bedlam": "synthgen.exporters.bedlam:BEDLAM",
    "camerahmr": "synthgen.exporters.camerahmr:CameraHMR",
    "crowdnet": "synthgen.exporters.crowdnet:CrowdNet",
    "dpmesh": "synthgen.exporters.crowdnet:CrowdNet",
    "coco": "synthgen.exporters.coco:COCO",
    "human_data": "synthgen.exporters.human_data:HumanData",
    "hugging_face": "synthgen.exporters.hugging_face:HuggingFace",
}  # a format is a dataclass of its options that keeps the protocol `export.Format`


def build(name: str, options: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """Make a format from its options.

    Args:
        name: one of FORMATS.
        options: values of the format's fields; the rest keeps its defaults.

    Returns:
        The format and no problems, or None and all problems, one line each.
    """
    if name not in FORMATS:
        return None, [
            f"format: unknown format {name!r}{nearest(name, FORMATS)} (known: {', '.join(FORMATS)})"
        ]
    module, _, attribute = FORMATS[name].partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    return fill(cls, [Setting((str(key),), value) for key, value in options.items()], "options")
