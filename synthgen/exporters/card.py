"""The card of a data set, in Markdown: what is in it, what made it, under which licences."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from synthgen import __version__
from synthgen.exporters.export import SMPL, Desk, warnings
from synthgen.exporters.figures import Entry
from synthgen.exporters.licences import licence_of
from synthgen.observation import same_mesh

MOST = 20  # rows of a table
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
LARGEST = "1M<n<10M"


@dataclass
class Statistics:
    """Counts over a stream of pictures.

    Attributes:
        sizes: pictures by "width x height".
        people: pictures by their number of people.
        families: people by "family / action".
        labels: people by the labels they have.
        visible: joints by "visible", "hidden" and "unknown".
        distances: number, sum, least and largest distance of bodies from the camera [m].
    """

    sizes: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    families: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    visible: Counter[str] = field(default_factory=Counter)
    distances: list[float] = field(default_factory=lambda: [0, 0.0, np.inf, 0.0])

    def add(self, entry: Entry, visible_above: float) -> None:
        """Count a picture and its people."""
        notes = entry.picture.notes
        self.sizes[f"{notes.image_size[1]} x {notes.image_size[0]}"] += 1
        self.people[str(len(notes.people))] += 1
        for person in notes.people:
            self.families[f"{person.family} / {person.action}"] += 1
            self.labels["SMPL parameters"] += person.person is not None
            self.labels["2D joints"] += bool(person.confidence_2d.any())
            self.labels["3D joints"] += bool(person.confidence_3d.any())
            if person.visibility is None:
                self.visible["unknown"] += len(person.confidence_2d)
            else:
                shown = int((person.visibility >= visible_above).sum())
                self.visible["visible"] += shown
                self.visible["hidden"] += len(person.visibility) - shown
            if person.person is not None:
                z = float(person.person.transl[2])
                count, total, least, largest = self.distances
                self.distances = [count + 1, total + z, min(least, z), max(largest, z)]


def card(desk: Desk, statistics: Statistics) -> str:
    """Return the card."""
    ledger = desk.ledger
    parts = [
        _header(desk),
        f"# {desk.name}\n\n{ledger.pictures} pictures of {ledger.people} people with labels for human mesh "
        f"recovery, exported by synthgen {__version__}.\n",
        *(f"> **Note.** {line}.\n" for line in warnings(ledger, desk.task.betas)),
        _FIELDS,
        "## Statistics\n",
        _table("Picture size", "pictures", statistics.sizes),
        _table("People in a picture", "pictures", statistics.people),
        _table("Family / action", "people", statistics.families),
        _table("Label", "people who have it", statistics.labels),
        _table("Joint", "joints", statistics.visible),
        _distances(statistics),
        "## Where it comes from\n",
        _table("Data set", "pictures", ledger.sources),
        _models(desk),
        _left_out(desk),
        _config(desk.run_config),
    ]
    return "\n".join(part for part in parts if part)


def _header(desk: Desk) -> str:
    count = desk.ledger.pictures
    category = next((name for limit, name in SIZES if count < limit), LARGEST)
    return (
        "---\n"
        f"pretty_name: {desk.name}\n"
        "license: other\n"
        "license_name: see-the-card\n"
        "task_categories:\n- keypoint-detection\n- other\n"
        "tags:\n- human-mesh-recovery\n- pose-estimation\n- smpl\n- synthetic\n"
        f"size_categories:\n- {category}\n"
        "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*.parquet\n"
        "---\n"
    )


_FIELDS = """## Fields

Lengths in metres, angles in radians, pixels with the origin at the centre of the top-left pixel; camera frame
x right, y down, z forward. What nobody knows is null.

| field | what |
|---|---|
| `image` | the picture |
| `mask` | who is where: 0 background, 1… people, 255 in front; or null |
| `depth` | of bodies [mm], 16 bits; or null |
| `key`, `caption`, `source` | name, words, data set |
| `sequence`, `frame`, `view` | clip, number in it, camera |
| `width`, `height`, `cam_int` | of the picture [px]; 3 x 3 intrinsics |
| `body` | body model that SMPL parameters belong to |
| `people` | a list, of each: |
| … `bbox` | x1, y1, x2, y2 |
| … `global_orient`, `body_pose`, `betas`, `transl` | SMPL parameters: 3, 23 x 3, 10, 3 |
| … `keypoints_2d` | COCO-17: x, y, confidence |
| … `keypoints_3d` | SMPL-24: x, y, z, confidence |
| … `visibility` | COCO-17: part that the picture shows |
| … `family`, `action` | of the pose |
| … `gender` | of the body model; parameters of a gendered one make another mesh with the neutral one |
"""


def _table(left: str, right: str, counts: Counter[str]) -> str:
    if not counts:
        return ""
    rows = [f"| {_cell(name)} | {count} |" for name, count in counts.most_common(MOST)]
    rest = sum(counts.values()) - sum(count for _, count in counts.most_common(MOST))
    rows += [f"| {len(counts) - MOST} others | {rest} |"] if len(counts) > MOST else []
    return "\n".join([f"| {left} | {right} |", "|---|---|", *rows]) + "\n"


def _distances(statistics: Statistics) -> str:
    count, total, least, largest = statistics.distances
    if not count:
        return ""
    return f"Distance from the camera: {total / count:.1f} m on average, {least:.1f} to {largest:.1f} m.\n"


def _models(desk: Desk) -> str:
    if not desk.ledger.models:
        return ""
    rows = []
    for (role, model, revision), count in sorted(desk.ledger.models.items()):
        licence = licence_of(role, model)
        words = f"[{licence.name}]({licence.page})" if licence.page else licence.name
        rows.append(f"| {role} | {_cell(model)} | {_cell(revision[:16])} | {count} | {words} |")
    head = "| role | model | revision | pictures | licence |\n|---|---|---|---|---|"
    has_smpl = any(same_mesh(name, SMPL) for name in desk.ledger.bodies)
    bodies = "SMPL parameters are of use with SMPL's own files only.\n" if has_smpl else ""
    return f"What drew the pictures, and its licence:\n\n{head}\n" + "\n".join(rows) + f"\n\n{bodies}"


def _left_out(desk: Desk) -> str:
    lines = [f"- {line}" for line in desk.ledger.lines()]
    return "\n".join(["Left out of the shards when this was exported:\n", *lines]) + "\n" if lines else ""


def _config(text: str) -> str:
    return f"## The config that made it\n\n````yaml\n{text.strip()}\n````\n" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
