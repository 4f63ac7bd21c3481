"""Streams of crops: every person once an epoch, the same after a resume, nothing passed over in silence."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from people import observe, only_2d
from safetensors.numpy import save_file

from synthgen import storage
from synthgen.dpmesh import sources
from synthgen.dpmesh.augment import Augmentation
from synthgen.dpmesh.batch import Crops, Labels
from synthgen.dpmesh.sources import EXCLUDED, Share, Shelf
from synthgen.dpmesh.stream import CropStream, Source, StreamOptions
from synthgen.dpmesh.subjects import NOBODY, UNLABELLED, SubjectMaker
from synthgen.sample import Sample
from synthgen.shards.bad_list import write_bad_list
from synthgen.shards.observations import read_observations, write_observations
from synthgen.shards.records import decode_json, encode_json
from synthgen.shards.shard import read_members, report_url

MakeSample = Callable[..., Sample]
OPTIONS = StreamOptions(side=32, min_box=4, buffer=4)
PLAIN = replace(OPTIONS, augmentation=Augmentation.none())
MAKER = SubjectMaker("open", 4, is_detected=True)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, make_sample: MakeSample) -> str:
    """Return a folder of five shards with ten pictures of fifteen people, 2D keypoints only."""
    folder = str(tmp_path_factory.mktemp("real"))
    found = [observe(make_sample(index, num_people=1 + index % 2)) for index in range(10)]
    found = [replace(one, camera=None, people=tuple(map(only_2d, one.people))) for one in found]
    write_observations(folder, "real", found, shard_size=2, image_format="png")
    return folder


def batches(stream: CropStream, count: int) -> list[tuple[Crops, Labels]]:
    return list(islice(stream, count))


def assert_equal(one: list[tuple[Crops, Labels]], other: list[tuple[Crops, Labels]]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for mine, its in zip(a, b, strict=True):
            for name, value in vars(mine).items():
                assert torch.equal(value, getattr(its, name)), name


def people_of(path: str, rank: int = 0, world: int = 1, count: int = 15, **source: object) -> list[str]:
    shelf = Shelf(Source(path, **source), MAKER, Share(0, 0, rank, world, 4))
    return [name(shelf.take()) for _ in range(count)]


def name(subject: object) -> str:
    return f"{subject.where.rpartition(' ')[2]} {subject.bbox.tolist()}"


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_after_a_resume_are_those_of_the_unbroken_run(real: str, run_dir: Path, workers: int) -> None:
    mixed = [Source(real, 2.0, num_samples=7), Source(str(run_dir))]
    options = replace(OPTIONS, workers=workers)
    with CropStream(mixed, options, 4, seed=3) as stream:
        start, states, whole = stream.state_dict(), [], []
        for _ in range(12):
            whole.append(next(stream))
            states.append(json.loads(json.dumps(stream.state_dict())))
        stream.load_state_dict(start)
        assert_equal(batches(stream, 2), whole[:2])
    for place in (0, 3, 8):
        with CropStream(mixed, options, 4, seed=3) as stream:
            stream.load_state_dict(states[place])
            assert_equal(batches(stream, 3), whole[place + 1 : place + 4])


def test_threads_and_caches_change_nothing(real: str) -> None:
    expected = batches(CropStream([Source(real)], OPTIONS, 5, seed=1), 6)
    for change in ({"workers": 3, "ahead": 4}, {"cache_mb": 0.0}):
        with CropStream([Source(real)], replace(OPTIONS, **change), 5, seed=1) as stream:
            assert_equal(batches(stream, 6), expected)
    other = batches(CropStream([Source(real)], OPTIONS, 5, seed=2), 1)
    assert not torch.equal(other[0][0].images, expected[0][0].images)


def test_a_resume_reads_no_more_than_a_block(real: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = CropStream([Source(real)], OPTIONS, 5, seed=1)
    batches(stream, 20)
    state = stream.state_dict()
    other = CropStream([Source(real)], OPTIONS, 5, seed=1)
    opened: list[str] = []
    original = sources.read_stored
    monkeypatch.setattr(sources, "read_stored", lambda tar: opened.append(tar) or original(tar))
    other.load_state_dict(state)
    next(other)
    assert 1 <= len(opened) <= 4  # one block of two tars, and the next where the batch goes on in it


def test_every_person_comes_once_an_epoch_in_an_order_of_its_own(real: str) -> None:
    drawn = people_of(real, count=45)
    first, second = drawn[:15], drawn[15:30]
    assert sorted(first) == sorted(second) == sorted(drawn[30:]) and len(set(first)) == 15
    assert first != second


def test_shuffling_crosses_shards_and_holds_no_more_than_the_buffer(real: str) -> None:
    shelf = Shelf(Source(real), MAKER, Share(0, 0, 0, 1, 4))
    tars = []
    for _ in range(15):
        tars.append(shelf.take().where.partition(":")[0])
        assert sum(len({id(one.picture) for one in people}) for people in shelf._read.values()) <= 4
    changes = sum(one != other for one, other in zip(tars, tars[1:], strict=False))
    assert changes > len(set(tars)) - 1


@pytest.mark.parametrize("world", [2, 5, 7])
def test_workers_share_an_epoch_without_overlap(real: str, world: int) -> None:
    """Five tars: by tar for up to five workers, else by person."""
    everyone = sorted(people_of(real))
    shares = []
    for rank in range(world):
        shelf = Shelf(Source(real), MAKER, Share(0, 0, rank, world, 4))
        own = []
        while True:
            one = shelf.take()
            if shelf.epoch:
                break
            own.append(name(one))
        shares.append(own)
    assert sorted(one for own in shares for one in own) == everyone
    assert all(shares) or world > 5


def test_few_shots_are_fixed_and_part_of_more(real: str) -> None:
    three = set(people_of(real, num_samples=3, count=40))
    six = set(people_of(real, num_samples=6, count=60))
    assert three < six and len({one.split()[0] for one in three}) == 3
    assert set(people_of(real, num_samples=3, seed=1, count=40)) != three
    with pytest.raises(ValueError, match="num_samples is 11, it holds 10 pictures"):
        Shelf(Source(real, num_samples=11), MAKER, Share(0, 0, 0, 1, 4))


def test_sources_are_mixed_by_weight(real: str, run_dir: Path) -> None:
    stream = CropStream([Source(real, 3.0), Source(str(run_dir), 1.0)], PLAIN, 40, seed=0)
    parts = [labels.has_smpl.mean().item() for _, labels in batches(stream, 8)]
    assert np.mean(parts) == pytest.approx(0.25, abs=0.06)
    assert stream.num_pictures == [10, 5]


def test_conditions_may_be_what_a_detector_found(real: str, tmp_path: Path) -> None:
    found = {}
    for one in read_observations(real):
        found[one.key] = np.stack([np.column_stack([p.keypoints_2d, p.confidence_2d]) for p in one.people])
        found[one.key] += [3, 0, -0.5]
    save_file(found, tmp_path / "found.safetensors")
    detected = Source(real, detections=str(tmp_path / "found.safetensors"))
    crops, labels = next(CropStream([detected], PLAIN, 15, seed=0))
    plain, plain_labels = next(CropStream([Source(real)], PLAIN, 15, seed=0))
    assert torch.equal(labels.keypoints_2d, plain_labels.keypoints_2d)
    scale = crops.cam_int[:, 0, 0] / np.hypot(96, 128)
    seen = (crops.confidence > 0) & (plain.confidence > 0)
    offset = (crops.keypoints_2d - plain.keypoints_2d)[..., 0]
    torch.testing.assert_close(offset[seen], (3 * scale)[:, None].expand(15, 30)[seen], atol=1e-3, rtol=0)
    assert set(crops.confidence[seen].tolist()) == {0.5, 0.25}  # of midpoints, the product of both
    del found["run-00000003"]
    save_file(found, tmp_path / "found.safetensors")
    with pytest.raises(ValueError, match="key run-00000003: the file of detections has no such key"):
        next(CropStream([detected], PLAIN, 15, seed=0))
    (tmp_path / "found.safetensors").write_bytes(b"x" * 99)
    with pytest.raises(ValueError, match="found.safetensors: is no safetensors file"):
        CropStream([detected], PLAIN, 15, seed=0)


def test_shards_on_a_store_are_read_alike(real: str) -> None:
    for file in storage.list_names(real):
        data = storage.read_bytes(storage.join(real, file))
        storage.write_bytes(f"memory://stream/{file}", data)
    stream = CropStream([Source("memory://stream")], OPTIONS, 4, seed=5)
    assert_equal(batches(stream, 3), batches(CropStream([Source(real)], OPTIONS, 4, seed=5), 3))


def edit(real: str, folder: Path, change: Callable[[dict[str, object]], object]) -> str:
    """Copy shards with their records changed."""
    from webdataset.writer import TarWriter

    for number in range(5):
        tar = f"real-{number:06d}.tar"
        with TarWriter(str(folder / tar), encoder=False, mtime=0) as writer:
            for key, members in read_members(storage.join(real, tar)):
                record = decode_json(members["json"])
                content = encode_json({**record, **change(record)})
                writer.write({"__key__": key, **members, "json": content})
    return str(folder)


def test_pictures_without_people_or_labels_are_counted_once(real: str, tmp_path: Path) -> None:
    def spoil(record: dict[str, object]) -> dict[str, object]:
        number = int(record["key"][-2:])
        people = [
            {**one, "keypoints_2d": None, "valid": {**one["valid"], "keypoints_2d": False}}
            for one in record["people"]
        ]
        return {"people": [] if number == 2 else people if number < 2 else record["people"]}

    folder = edit(real, tmp_path, spoil)
    stream = CropStream([Source(folder)], OPTIONS, 7, seed=0)
    batches(stream, 6)
    assert stream.skipped() == {folder: Counter({UNLABELLED: 3, NOBODY: 1})}


def test_a_source_of_nobody_is_an_error(real: str, tmp_path: Path) -> None:
    stream = CropStream([Source(edit(real, tmp_path, lambda _: {"people": []}))], OPTIONS, 2, seed=0)
    with pytest.raises(ValueError, match="nobody to learn from in 10 pictures: 10 x no people"):
        next(stream)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("change", "expected"), [({"schema": 2}, "schema must be 1"), ({"people": [{}]}, "the record lacks")]
)
def test_damage_is_an_error_that_names_tar_and_key(
    real: str, tmp_path: Path, change: dict[str, object], expected: str, workers: int
) -> None:
    folder = edit(real, tmp_path, lambda record: change if record["key"].endswith("4") else {})
    with (
        CropStream([Source(folder)], replace(OPTIONS, workers=workers), 20, seed=0) as stream,
        pytest.raises(ValueError, match=f"real-000002.tar: key run-00000004: .*{expected}"),
    ):
        batches(stream, 3)


def test_nan_is_an_error(real: str, tmp_path: Path) -> None:
    folder = edit(real, tmp_path, lambda _: {})
    tar = tmp_path / "real-000001.tar"
    tar.write_bytes(tar.read_bytes().replace(b'"bbox":[', b'"bbox":[NaN,', 1))
    with pytest.raises(ValueError, match="real-000001.tar"):
        batches(CropStream([Source(folder)], OPTIONS, 20, seed=0), 2)


def test_a_tar_that_lost_pictures_is_an_error(real: str, tmp_path: Path) -> None:
    folder = edit(real, tmp_path, lambda _: {})
    report = json.loads(storage.read_bytes(report_url(real, "real-000003")))
    (tmp_path / "real-000003.json").write_text(json.dumps({**report, "accepted": 3}))
    with pytest.raises(ValueError, match="real-000003.tar: holds 2 pictures, its report says 3"):
        batches(CropStream([Source(folder)], OPTIONS, 20, seed=0), 2)


def test_positions_of_other_streams_are_refused(real: str) -> None:
    state = CropStream([Source(real)], OPTIONS, 4, seed=0).state_dict()
    for other, seed, world, expected in (
        ([Source(real)], 1, 1, "seed 0, now it is 1"),
        ([Source(real)], 0, 2, "world 1, now it is 2"),
        ([Source(real)] * 2, 0, 1, "sources 1, now it is 2"),
        ([Source(real, num_samples=3)], 0, 1, "num_samples None, now it is 3"),
    ):
        with pytest.raises(ValueError, match=expected):
            CropStream(other, OPTIONS, 4, seed, 0, world).load_state_dict(state)


def test_options_out_of_range_are_told_all_at_once(real: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="weight must be > 0, got 0; augmentation.flip .*; side must be"):
        CropStream([Source(real, 0)], replace(OPTIONS, side=0, augmentation=Augmentation(flip=2)), 4, 0)
    with pytest.raises(ValueError, match="no such folder, or no shard"):
        CropStream([Source(str(tmp_path))], OPTIONS, 4, 0)
    assert Source("", num_samples=0, seed=-1).problems() != []
    assert StreamOptions(body="nowhere.pkl").problems() == [
        "body must be open or an SMPL file, no such file: 'nowhere.pkl'"
    ]


def test_bad_samples_are_left_out_and_counted(real: str, tmp_path: Path) -> None:
    path = str(tmp_path / "bad.txt")
    keys = [one.key for one in read_observations(real)]
    write_bad_list(path, [keys[0], keys[3], "of-another-run"])
    shelf = Shelf(Source(real, exclude=path), MAKER, Share(0, 0, 0, 1, 4))
    met = {name(shelf.take()).partition(" ")[0] for _ in range(24)}
    assert met == set(keys) - {keys[0], keys[3]}
    assert shelf.skipped()[EXCLUDED] == 2
    with pytest.raises(ValueError, match="num_excluded"):
        Shelf(Source(real), MAKER, Share(0, 0, 0, 1, 4)).load_state_dict(shelf.state_dict())
