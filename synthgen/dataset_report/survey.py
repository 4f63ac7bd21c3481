"""What the report looks at, worked out of what was read: poses, doubles, hard people."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthgen.dataset_report.coverage import nearest_within
from synthgen.dataset_report.doubles import groups, near_hashes, near_poses
from synthgen.dataset_report.hard import SIGNALS, Hard, hardest
from synthgen.dataset_report.intake import Entry
from synthgen.dataset_report.poses import pose_of
from synthgen.observation import ObservedPerson

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Poses:
    """Poses of people whose 3D joints are known.

    Attributes:
        values: (N, 12, 3) [m], see `synthgen.dataset_report.poses`.
        entries: (N,) row of each one's sample.
        people: (N,) place of each one in the sample.
        families: of each one.
    """

    values: Array
    entries: NDArray[np.int64]
    people: NDArray[np.int64]
    families: tuple[str, ...]


def poses_of(entries: Sequence[Entry], most: int) -> Poses:
    """Return the poses of people of samples; of more than `most`, some spread evenly."""
    found = []
    for row, entry in enumerate(entries):
        for place, person in enumerate(entry.notes.people):
            pose = pose_of(person)
            if pose is not None:
                found.append((pose, row, place, person.family))
    if len(found) > most:
        found = [found[place] for place in np.linspace(0, len(found) - 1, most).astype(int)]
    return Poses(
        values=np.array([pose for pose, *_ in found], np.float64).reshape(-1, 12, 3),
        entries=np.array([row for _, row, _, _ in found], np.int64),
        people=np.array([place for _, _, place, _ in found], np.int64),
        families=tuple(family for *_, family in found),
    )


def same_pictures(entries: Sequence[Entry]) -> list[list[int]]:
    """Return groups of rows whose pictures are nearly the same."""
    rows = [row for row, entry in enumerate(entries) if entry.hash is not None]
    pairs = near_hashes([entries[row].hash or 0 for row in rows])
    return [[rows[one] for one in group] for group in groups(pairs, len(rows))]


def same_poses(entries: Sequence[Entry], poses: Poses) -> list[list[int]]:
    """Return groups of poses that are nearly the same, those of one sample or one moment not counted."""
    pairs = near_poses(poses.values)
    numbers: dict[tuple[str, ...], int] = {}
    names = [_moment(entries[row]) for row in poses.entries]
    moments = np.array([numbers.setdefault(name, len(numbers)) for name in names], int)
    table = pairs[moments[pairs[:, 0]] != moments[pairs[:, 1]]]
    return groups(table, len(poses.entries))


def hard_people(entries: Sequence[Entry], poses: Poses, most: int) -> list[tuple[int, int, Hard]]:
    """Return (row of the sample, place of the person, how hard) of the hardest people, one of each sample."""
    people = [(row, place) for row, entry in enumerate(entries) for place in range(len(entry.notes.people))]
    signals = {name: np.full(len(people), np.nan) for name in SIGNALS}
    rows = {one: number for number, one in enumerate(people)}
    for number, (row, place) in enumerate(people):
        person, scores = entries[row].notes.people[place], entries[row].scores[place]
        for name in signals:
            if name in scores:
                signals[name][number] = scores[name]
        signals["height"][number] = person.bbox[3] - person.bbox[1]
        signals["known"][number] = _seen(person)
    if len(poses.entries) > 1:
        rarity = nearest_within(poses.values)
        for row, place, value in zip(poses.entries, poses.people, rarity, strict=True):
            signals["rarity"][rows[int(row), int(place)]] = value
    found, met = [], set()
    for hard in hardest(signals, len(people)):
        row, place = people[hard.row]
        if row not in met:
            met.add(row)
            found.append((row, place, hard))
        if len(found) == most:
            break
    return found


def _seen(person: ObservedPerson) -> float:
    """Return how many joints are seen, as far as anybody knows."""
    values = person.confidence_2d if person.visibility is None else person.visibility
    return float(values.sum()) if person.confidence_2d.any() else float("nan")


def _moment(entry: Entry) -> tuple[str, ...]:
    """Return what samples share that show the same moment from different sides."""
    notes = entry.notes
    return (notes.source, notes.sequence, str(notes.frame)) if notes.sequence else (notes.key,)
