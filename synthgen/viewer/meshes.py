"""Bodies of a sample as the page draws them: vertices [m] in the camera frame, as little-endian float32."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from synthgen.body import Body, load_body
from synthgen.observation import body_name
from synthgen.sample import Person
from synthgen.shards.observation_records import to_notes

OPEN = "open"
NOBODY = "nobody in this picture has SMPL parameters"


@dataclass(frozen=True)
class Posed:
    """The bodies of a sample.

    Attributes:
        body: name of a body model that has their faces; people of one picture may be of several genders.
        people: which people of the record they are.
        vertices: (people, V, 3) [m, camera frame], little-endian float32.
    """

    body: str
    people: tuple[int, ...]
    vertices: bytes


class Meshes:
    """Poses the people of records; bodies are loaded when somebody first asks.

    Args:
        files: SMPL files by the name of the body ("smpl", "smpl_male", …); the open body needs none.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {OPEN: OPEN, **files}
        self._loaded: dict[str, Body] = {}
        self._lock = Lock()

    def faces(self, name: str) -> bytes:
        """Return the triangles of a body, uint16 indices.

        Raises:
            ValueError: there is no such body here.
        """
        return self._body(name).faces.astype("<u2").tobytes()

    def of(self, records: Sequence[Mapping[str, Any]]) -> list[Posed | str]:
        """Pose the people of some records, all at once; of a record that cannot be posed, say why."""
        found: list[Posed | str] = [NOBODY] * len(records)
        waiting: dict[str, list[tuple[int, int, Person]]] = {}
        chosen: dict[int, list[tuple[str, int]]] = {}
        for place, record in enumerate(records):
            try:
                people = _people(record)
                for name, _, _ in people:
                    self._body(name)
            except ValueError as error:
                found[place] = str(error)
                continue
            chosen[place] = [(name, row) for name, row, _ in people]
            for name, row, person in people:
                waiting.setdefault(name, []).append((place, row, person))
        meshes: dict[tuple[int, int], bytes] = {}
        for name, rows in waiting.items():
            with self._lock:
                vertices = self._loaded[name].pose([person for _, _, person in rows]).vertices
            for (place, row, _), mesh in zip(rows, vertices, strict=True):
                meshes[place, row] = np.ascontiguousarray(mesh, "<f4").tobytes()
        for place, own in chosen.items():
            together = b"".join(meshes[place, row] for _, row in own)
            found[place] = Posed(own[0][0], tuple(row for _, row in own), together)
        return found

    def _body(self, name: str) -> Body:
        if name not in self._files:
            raise ValueError(
                f"these are parameters of the body {name!r:.40}; say where its file is: "
                "body=path/to/SMPL_NEUTRAL.pkl, or bodies.smpl_male=… for gendered ones"
            )
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load_body(self._files[name])
            return self._loaded[name]


def _people(record: Mapping[str, Any]) -> list[tuple[str, int, Person]]:
    """Return the people of a record who have parameters: name of the body, place in the record, parameters.

    Raises:
        ValueError: nobody has, or the record is damaged.
    """
    notes = to_notes(record)
    people = [
        (body_name(notes.body, one), row, one.person)
        for row, one in enumerate(notes.people)
        if one.person is not None
    ]
    if not people:
        raise ValueError(NOBODY)
    return people
