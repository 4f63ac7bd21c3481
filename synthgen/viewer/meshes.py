"""Bodies of a sample as the page draws them: vertices [m] in the camera frame, as little-endian float32."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np

from synthgen.body import Body, load_body
from synthgen.observation import body_name
from synthgen.shards.observation_records import to_notes

OPEN = "open"


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

    def of(self, record: Mapping[str, Any]) -> tuple[str, list[int], bytes]:
        """Return the body's name, which people have SMPL parameters of it, and their vertices.

        Raises:
            ValueError: the record is damaged, or there is no such body here.
        """
        notes = to_notes(record)
        people = [(row, one.person) for row, one in enumerate(notes.people) if one.person is not None]
        if not people:
            raise ValueError("nobody in this picture has SMPL parameters")
        names = {body_name(notes.body, notes.people[row]) for row, _ in people}
        body = self._body(sorted(names)[0])
        chosen = [(row, one) for row, one in people if body_name(notes.body, notes.people[row]) == min(names)]
        with self._lock:
            vertices = body.pose([person for _, person in chosen]).vertices
        return min(names), [row for row, _ in chosen], np.ascontiguousarray(vertices, "<f4").tobytes()

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
