"""A writer for each data set that can be read, under the name it is read by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dataset_writers import actors, coco_mpii, emdb, evaluated, folders, ski_poseptz, smart, threedpw, videos


def _smart(root: Path, body: Any) -> None:
    smart.write(root, body, {smart.GYM: [smart.video(root, body, "vault", "vt", 2)]})


def _folder(root: Path, body: Any) -> None:
    actors.paint(root / "a.jpg")
    folders.label(root, {"a.jpg": (96, 128)})


WRITERS: dict[str, Callable[[Path, Any], Any]] = {
    "ski_poseptz": lambda root, body: ski_poseptz.write(root, body, 3),
    "smart": _smart,
    "3dpw": lambda root, body: threedpw.write(root, body, "test", "a_00", 2),
    "athletepose3d": videos.write_athletepose,
    "sportspose": videos.write_sportspose,
    "aist": videos.write_aist,
    "mpii": coco_mpii.write_mat,
    "coco": coco_mpii.write_coco,
    "emdb": emdb.write,
    "3doh": evaluated.write_3doh,
    "cmu_panoptic": evaluated.write_panoptic,
    "scorehmr": evaluated.write_batched,
    "folder": _folder,
}
