"""Fixtures: small runs to export: generated samples; SMPL bodies in clips and views; partial labels."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthgen import exporters
from synthgen.exporters.export import Task, export
from synthgen.exporters.ledger import Ledger
from synthgen.observation import Notes
from synthgen.sample import Sample
from synthgen.shards import Shard, write_shard
from synthgen.shards.observation_records import StoredPicture, notes_of_sample
from synthgen.shards.observations import write_observations
from synthgen.shards.records import encode_image

MakeSample = Callable[..., Sample]
Export = Callable[..., tuple[Path, Ledger]]


@pytest.fixture(scope="session")
def samples(make_sample: MakeSample) -> list[Sample]:
    return [make_sample(index, num_people=1 + index % 2) for index in range(3)]


@pytest.fixture(scope="session")
def generated(samples: list[Sample], tmp_path_factory: Any) -> Path:
    """Return a run of three samples, four people, in two shards."""
    folder = tmp_path_factory.mktemp("generated") / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text("pipeline: generate\nnum_samples: 3\n")
    write_shard(str(folder), Shard("run", 0, 0, 2, "c" * 64), samples[:2])
    write_shard(str(folder), Shard("run", 1, 2, 1, "c" * 64), samples[2:])
    return folder


def stored(sample: Sample, **changes: Any) -> StoredPicture:
    """Return a sample as a real picture, with changed notes."""
    notes: Notes = replace(notes_of_sample(sample), **changes)
    return StoredPicture(notes, encode_image(sample.image, "jpg"), "jpg")


@pytest.fixture(scope="session")
def smpl_run(samples: list[Sample], tmp_path_factory: Any) -> Path:
    """Return shards of SMPL bodies: a clip of two frames, each seen by two cameras, and a single picture."""
    folder = tmp_path_factory.mktemp("smpl") / "clips"
    folder.mkdir()
    items = [
        stored(samples[0], key=f"clip-{frame}-{view}", body="smpl", source="set/train", sequence="run7",
               frame=frame, view=view)
        for frame in (1, 0) for view in ("a", "b")
    ]  # fmt: skip
    items.append(stored(samples[2], key="alone", body="smpl", source="set/train"))
    write_observations(str(folder), "clips", items)
    return folder


@pytest.fixture(scope="session")
def partial(samples: list[Sample], tmp_path_factory: Any) -> Path:
    """Return shards where somebody knew: everything but the camera; 2D alone; 3D alone; a box alone."""
    folder = tmp_path_factory.mktemp("partial") / "partial"
    folder.mkdir()
    person = notes_of_sample(samples[0]).people[0]
    none_2d = {"confidence_2d": np.zeros(17, np.float32)}
    none_3d = {"keypoints_3d": None, "confidence_3d": np.zeros(24, np.float32)}
    people = {
        "no-camera": person,
        "only-2d": replace(person, person=None, visibility=None, **none_3d),
        "only-3d": replace(person, person=None, **none_2d),
        "only-box": replace(person, person=None, **none_2d, **none_3d),
    }
    items = [
        stored(samples[0], key=key, people=(one,), body="smpl", camera=None) for key, one in people.items()
    ]
    write_observations(str(folder), "partial", items)
    return folder


@pytest.fixture
def run_export(tmp_path: Path) -> Export:
    """Return run(source, format, options={}, **of the task): the folder of the export and its ledger."""

    def run(source: Path, name: str, options: dict[str, Any] | None = None, **task: Any) -> Any:
        form, problems = exporters.build(name, options or {})
        assert problems == []
        output = tmp_path / f"out_{name}"
        ledger = export(
            Task(str(source), str(output), task.pop("name", "ski"), **task), form, name, lambda: None
        )
        return output, ledger

    return run


def record_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "export.json").read_text())
