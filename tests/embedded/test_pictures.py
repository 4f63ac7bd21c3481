import shutil

import numpy as np
import pytest

from synthgen.embedded.pictures import open_pictures, spread
from synthgen.embedded.workshop import RUNS
from synthgen.shards import read_samples


def folders(work):
    return [str(work / name) for name in RUNS]


def test_the_cache_holds_what_the_shards_hold(rendered, pictures):
    samples = [sample for folder in folders(rendered) for sample in read_samples(folder)]
    assert len(pictures) == len(samples) > 0
    row = 0
    for number, sample in enumerate(samples):
        assert np.array_equal(pictures.image[number], sample.image)
        assert np.array_equal(pictures.mask[number], sample.mask)
        assert np.abs(pictures.depth_mm[number] / 1000 - sample.depth).max() < 1e-3
        assert pictures.captions[number] == sample.request.prompt
        assert pictures.families[number] == sample.labels[0].family
        for person, label in zip(sample.scene.people, sample.labels, strict=True):
            assert pictures.people.picture[row] == number
            assert np.array_equal(pictures.people.body_pose[row], person.body_pose)
            assert np.array_equal(pictures.people.keypoints_2d[row], label.keypoints_2d.astype(np.float32))
            row += 1
    assert row == len(pictures.people)


def test_held_out_pictures_are_apart_and_families_can_be_chosen(pictures):
    kept, trained = pictures.rows(True), pictures.rows(False)
    assert len(kept) == len(RUNS)  # the first of each run
    assert sorted([*kept, *trained]) == list(range(len(pictures)))
    everyday = pictures.people_rows(False, ["everyday"])
    assert {pictures.families[pictures.people.picture[row]] for row in everyday} == {"everyday"}
    assert 0 < len(everyday) < len(pictures.people_rows(False))


def test_a_cache_is_kept_for_the_same_shards_and_made_anew_for_others(rendered, tmp_path):
    work, cache = tmp_path / "work", tmp_path / "pictures"
    shutil.copytree(rendered, work)
    first = open_pictures(folders(work), cache)
    made = (cache / "image.npy").stat().st_mtime_ns
    assert open_pictures(folders(work), cache).digest == first.digest
    assert (cache / "image.npy").stat().st_mtime_ns == made
    shutil.rmtree(work / "sports")
    shutil.copytree(work / "everyday", work / "sports")
    assert len(open_pictures(folders(work), cache)) != len(first)


def test_missing_shards_are_named(rendered, tmp_path):
    with pytest.raises(ValueError, match="nothing: no shards here; run the step render first"):
        open_pictures([str(tmp_path / "nothing")], tmp_path / "cache")
    work = tmp_path / "work"
    shutil.copytree(rendered, work)
    next((work / "sports").glob("*.json")).unlink()
    with pytest.raises(ValueError, match="shard sports-000000 has no report"):
        open_pictures(folders(work), tmp_path / "cache")


def test_a_spread_reaches_from_the_first_to_the_last():
    rows = np.arange(100, 150)
    assert spread(rows, 3).tolist() == [100, 124, 149]
    assert spread(rows, 80).tolist() == rows.tolist()
    assert spread(rows[:0], 4).tolist() == []
