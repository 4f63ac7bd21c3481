"""The data set report: one HTML file beside the shards, to be opened anywhere, without network.

Looks and safety are those of `synthgen.report`: text from data is escaped by the template engine, and the
page's own policy allows nothing but its style sheet and data URIs. For generated samples and real pictures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from synthgen import __version__, storage
from synthgen.body import load_body
from synthgen.dataset_report import coverage, panels
from synthgen.dataset_report.cameras import read_cameras
from synthgen.dataset_report.cards import Artist, PictureCard
from synthgen.dataset_report.charts import stick_figure
from synthgen.dataset_report.doubles import PICTURE_RADIUS, POSE_RADIUS_MM
from synthgen.dataset_report.hard import SIGNALS, Hard
from synthgen.dataset_report.intake import Entry, Intake, Shelf, read, spread
from synthgen.dataset_report.labels import LabelCounts, count_labels
from synthgen.dataset_report.survey import Poses, hard_people, poses_of, same_pictures, same_poses
from synthgen.render import make_renderer, resolve_renderer
from synthgen.report.charts import number
from synthgen.report.page import asset, content_policy
from synthgen.report.panels import Panel, readable
from synthgen.report.survey import RendererChoice
from synthgen.shards.shard import QUALITY_NAME

MAX_GROUPS = 6  # groups of doubles that are shown
PER_GROUP = 4  # of each
UNCOVERED = 10  # poses of the reference that are shown


@dataclass(frozen=True)
class Options:
    """How much the report shows.

    Attributes:
        num_pictures: with overlays, spread evenly over the shards.
        num_hard: hard samples.
        max_samples: that are looked at; of more, some spread evenly.
        max_poses: that are compared with each other.
        reference: shards whose poses these are held against; "" for none.
        files: SMPL files by the name of the body; the open one needs none.
        renderer: draws the meshes: "auto", "warp" or "pyrender".
    """

    num_pictures: int = 24
    num_hard: int = 12
    max_samples: int = 5000
    max_poses: int = 5000
    reference: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    renderer: RendererChoice = "auto"


@dataclass(frozen=True)
class Reference:
    """Another data set's poses.

    Attributes:
        name: of it.
        poses: (M, 12, 3) [m].
    """

    name: str
    poses: NDArray[np.floating]


def write_quality_report(
    source: str, options: Options | None = None, progress: Callable[[], object] | None = None
) -> str:
    """Write `quality.html` beside the shards, whole or not at all.

    Args:
        source: folder of shards or one tar; local path or fsspec URL.
        options: how much to show.
        progress: called after each sample read.

    Returns:
        Where the report is.

    Raises:
        ValueError: there are no shards, or nobody in them.
        StorageError: they cannot be read, or the report cannot be written.
    """
    options = options or Options()
    shelf = Shelf(source)
    intake = read(shelf, options.max_samples, progress=progress)
    if not intake.entries:
        raise ValueError(f"{source}: no sample to report on: {'; '.join(intake.problems) or 'it is empty'}")
    reference = None
    if options.reference:
        other = read(Shelf(options.reference), options.max_samples, has_hashes=False, progress=progress)
        poses = poses_of(other.entries, options.max_poses).values
        reference = Reference(storage.split(options.reference)[1], poses)
    folder, name = storage.split(source) if source.endswith(".tar") else (source, storage.split(source)[1])
    url = storage.join(folder, QUALITY_NAME)
    page = _Page(name, shelf, intake, reference, options).render()
    storage.write_bytes(url, page.encode("utf-8", "replace"))
    return url


class _Page:
    """One report while it is made."""

    def __init__(
        self, name: str, shelf: Shelf, intake: Intake, reference: Reference | None, options: Options
    ) -> None:
        self.name, self.shelf, self.intake, self.options = name, shelf, intake, options
        self.reference = reference if reference is not None and len(reference.poses) else None
        self.without = reference.name if reference is not None and self.reference is None else ""
        self.entries = intake.entries
        self.poses = poses_of(self.entries, options.max_poses)
        bodies = {
            "open": load_body("open"),
            **{name: load_body(path) for name, path in options.files.items()},
        }
        self.artist = Artist(bodies, make_renderer(resolve_renderer(options.renderer)))

    def render(self) -> str:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        engine = Environment(
            loader=PackageLoader("synthgen.dataset_report"), autoescape=True, undefined=StrictUndefined
        )
        style = asset("report.css") + _own("dataset.css")
        counts = count_labels(entry.notes for entry in self.entries)
        pictures = [
            self._card(self.entries[row]) for row in spread(len(self.entries), self.options.num_pictures)
        ]
        hard = [self._hard(*one) for one in hard_people(self.entries, self.poses, self.options.num_hard)]
        return engine.get_template("dataset.html").render(
            policy=content_policy(style, ""),
            style=Markup(style),
            version=__version__,
            name=self.name,
            lead=self._lead(counts),
            numbers=self._numbers(counts),
            problems=self.intake.problems,
            pictures=[one for one in pictures if one is not None],
            missing=sorted(self.artist.missing),
            labels=panels.label_panels(counts),
            coverage_intro=self._coverage_intro(),
            coverage=self._coverage(),
            uncovered=self._uncovered(),
            cameras=panels.camera_panels(read_cameras([entry.notes for entry in self.entries])),
            doubles=[self._picture_doubles(), self._pose_doubles()],
            hard=[one for one in hard if one is not None],
        )

    def _lead(self, counts: LabelCounts) -> str:
        looked = f"{len(self.entries):,} of {self.intake.total:,} samples"
        if len(self.entries) == self.intake.total:
            looked = f"All {self.intake.total:,} samples" if self.intake.total > 1 else "One sample"
        families = [readable(name) for name, _ in _counted(self.entries)[:6] if name != "unknown"]
        poses = f" Poses: {', '.join(families)}." if families else ""
        in_3d = f"{len(self.poses.entries):,} poses in 3D"
        return f"{looked} looked at, with {counts.people:,} people, {in_3d}.{poses}"

    def _numbers(self, counts: LabelCounts) -> list[tuple[str, str, str]]:
        people = max(counts.people, 1)
        pictures = max(counts.pictures, 1)
        return [
            ("Samples", f"{self.intake.total:,}", ""),
            ("People", f"{counts.people / pictures:.2f}", "in a picture"),
            ("SMPL", f"{100 * counts.of_people['SMPL parameters'] / people:.0f}", "% of people"),
            ("2D joints", f"{100 * counts.of_people['2D joints'] / people:.0f}", "% of people"),
            ("3D joints", f"{100 * counts.of_people['3D joints'] / people:.0f}", "% of people"),
            ("Camera", f"{100 * counts.of_pictures['camera'] / pictures:.0f}", "% of pictures"),
        ]

    def _coverage_intro(self) -> str:
        if self.without:
            return f"The reference {self.without} has no pose in 3D: these are compared with each other."
        if self.reference is None:
            return "These poses compared with each other; reference=shards/… takes another data set's."
        here, there = len(self.poses.entries), len(self.reference.poses)
        return f"These {here:,} poses held against {there:,} of {self.reference.name}."

    def _coverage(self) -> list[Panel]:
        values, reference = self.poses.values, self.reference
        if len(values) < 2:
            return []
        others = reference.poses if reference is not None else values[:0]
        layout = coverage.lay_out(values, others)
        drawn = panels.map_panel(layout, self.poses.families, reference is not None)
        if reference is None:
            near = panels.coverage_panels(coverage.nearest_within(values), None, drawn)
            return [*near, panels.angle_panel(values, None)]
        near = panels.coverage_panels(
            coverage.nearest(others, values), coverage.nearest(values, others), drawn
        )
        return [*near, panels.angle_panel(values, others)]

    def _uncovered(self) -> list[tuple[Markup, str]]:
        """Return the reference's poses that are furthest from all of these, none like another."""
        if self.reference is None or not len(self.poses.entries):
            return []
        poses, found = self.reference.poses, []
        far = coverage.nearest(poses, self.poses.values)
        for _ in range(min(UNCOVERED, len(poses))):
            row = int(far.argmax())
            words = f"{far[row]:.0f} mm"
            figure = stick_figure(poses[row], f"pose of the reference, {words} from the nearest")
            found.append((figure, words))
            far = np.minimum(far, coverage.nearest(poses, poses[row : row + 1]))
        return found

    def _picture_doubles(self) -> dict[str, Any]:
        found = same_pictures(self.entries)
        spare = sum(len(group) - 1 for group in found)
        words = (
            f"{spare:,} of {len(self.entries):,} pictures ({100 * spare / len(self.entries):.1f} %) are "
            "nearly the same as another one: "
            f"their perceptual hashes differ in at most {PICTURE_RADIUS} of 64 bits."
        )
        return {
            "title": "Pictures",
            "words": words,
            "groups": [self._group(one) for one in found[:MAX_GROUPS]],
        }

    def _pose_doubles(self) -> dict[str, Any]:
        found = same_poses(self.entries, self.poses)
        spare = sum(len(group) - 1 for group in found)
        total = max(len(self.poses.entries), 1)
        words = (
            f"{spare:,} of {len(self.poses.entries):,} poses ({100 * spare / total:.1f} %) are within "
            f"{POSE_RADIUS_MM:.0f} mm of another one. Views of one moment are not counted."
        )
        rows = [[int(self.poses.entries[one]) for one in group] for group in found[:MAX_GROUPS]]
        return {"title": "Poses", "words": words, "groups": [self._group(one) for one in rows]}

    def _group(self, rows: Sequence[int]) -> dict[str, Any]:
        cards = [self._card(self.entries[row], is_small=True) for row in rows[:PER_GROUP]]
        return {"words": f"{len(rows)} alike", "cards": [one for one in cards if one is not None]}

    def _hard(self, row: int, place: int, hard: Hard) -> PictureCard | None:
        entry = self.entries[row]
        who = f"person {place + 1}, " if len(entry.notes.people) > 1 else ""
        causes = [f"{SIGNALS[name][0]} {number(value)}{SIGNALS[name][1]}" for name, value in hard.causes]
        return self._card(entry, (f"{who}{hard.hardness:.0%} of others are easier", ", ".join(causes)))

    def _card(self, entry: Entry, lines: Sequence[str] = (), is_small: bool = False) -> PictureCard | None:
        """Return a sample's card, or None if its picture turns out damaged."""
        try:
            stored = self.shelf.picture(entry.position)
            return self.artist.thumbnail(stored) if is_small else self.artist.card(stored, lines)
        except ValueError as error:
            self.intake.note(f"sample {entry.notes.key}: {error}")
            return None


def _counted(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    from collections import Counter

    return Counter(one.family for entry in entries for one in entry.notes.people).most_common()


def _own(name: str) -> str:
    return resources.files("synthgen.dataset_report.templates").joinpath(name).read_text("utf-8")


__all__ = ["QUALITY_NAME", "Options", "Poses", "write_quality_report"]
