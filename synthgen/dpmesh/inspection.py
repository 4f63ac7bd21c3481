"""What shards hold, looked at before a training starts, so that it does not break off in the night."""

from dataclasses import dataclass

import numpy as np

from synthgen.body import OPEN
from synthgen.dpmesh.sources import Source
from synthgen.shards.observation_records import StoredPicture
from synthgen.shards.observations import read_stored
from synthgen.shards.shard import read_members, read_report, tars
from synthgen.storage import split

_LOOKED_AT = 4  # tars of a source, evenly spread


@dataclass(frozen=True)
class Content:
    """What some tars of a source hold.

    Attributes:
        pictures: in these tars.
        people: in these pictures.
        bodies: body models that SMPL parameters belong to, and how many people have such.
        placed: people with joints in the picture or in 3D.
    """

    pictures: int
    people: int
    bodies: dict[str, int]
    placed: int


def look_into(source: Source) -> Content:
    """Read labels of a source, not its pictures.

    Raises:
        ValueError: there are no shards, or one is damaged or of another schema; the message says where.
        StorageError: a tar cannot be read.
    """
    found = tars(source.path)
    rows = np.unique(np.linspace(0, len(found) - 1, _LOOKED_AT).round().astype(int))
    stored = [one for row in rows for one in read_stored(found[row])]
    notes = [one.notes for one in stored if isinstance(one, StoredPicture)]
    people = [(note.body, person) for note in notes for person in note.people]
    bodies: dict[str, int] = {}
    for body, person in people:
        if person.person is not None:
            bodies[body] = bodies.get(body, 0) + 1
    placed = sum(bool(one.confidence_2d.any() or one.confidence_3d.any()) for _, one in people)
    return Content(len(stored), len(people), bodies, placed)


def problems_of(source: Source, body: str, needs_smpl: bool) -> list[str]:
    """Return why a source cannot be learnt from, one message each.

    Args:
        source: that is to be read.
        body: "open", or the path of the SMPL file that the model learns.
        needs_smpl: whether people without SMPL parameters are no use.
    """
    try:
        content = look_into(source)
    except (OSError, ValueError) as error:
        return [str(error)]
    wanted = OPEN if body == OPEN else "smpl"
    others = {name: count for name, count in content.bodies.items() if name != wanted}
    if not content.people:
        return [f"{source.path}: nobody in its {content.pictures} pictures; a model of people needs some"]
    if others:
        name, count = max(others.items(), key=lambda item: item[1])
        return [
            f"{source.path}: SMPL parameters of {count} people are of the body {name!r}, the model learns "
            f"{wanted!r}; a model learns one body: leave these shards out, or set data.body"
        ]
    if needs_smpl and not content.bodies:
        return [
            f"{source.path}: nobody has SMPL parameters ({content.people} people); this needs generated "
            "pictures or fully labelled real ones. Others are for real= of the recipe adapt"
        ]
    if not content.bodies and not content.placed:
        return [f"{source.path}: nobody of {content.people} people has joints or SMPL parameters"]
    return []


def num_pictures(path: str) -> int:
    """Return how many pictures a folder of shards or a tar holds.

    Raises:
        ValueError: there are no shards.
    """
    return sum(_count(tar) for tar in tars(path))


def _count(tar: str) -> int:
    folder, name = split(tar)
    report = read_report(folder, name.removesuffix(".tar"))
    return report.accepted if report is not None else sum(1 for _ in read_members(tar))
