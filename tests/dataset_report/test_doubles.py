"""Near doubles of pictures and poses, hard samples, and counts of labels; hand-made cases."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from synthgen.dataset_report.doubles import groups, near_hashes, near_poses, perceptual_hash
from synthgen.dataset_report.hard import hardest, ranks
from synthgen.dataset_report.intake import Entry
from synthgen.dataset_report.labels import count_labels
from synthgen.dataset_report.survey import Poses, hard_people, poses_of, same_pictures, same_poses
from synthgen.sample import Sample
from synthgen.shards.observation_records import notes_of_sample

MakeSample = Callable[..., Sample]


def small(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BOX))


def apart(first: np.ndarray, second: np.ndarray) -> int:
    return (perceptual_hash(small(first)) ^ perceptual_hash(small(second))).bit_count()


def scene(seed: int) -> np.ndarray:
    """Return a grey picture (128, 160) of smooth shapes."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(0, 255, (8, 10)).astype(np.uint8))
    return np.asarray(rough.resize((160, 128), Image.Resampling.BICUBIC))


def test_hashes_stand_scale_light_and_compression_but_not_another_picture() -> None:
    picture = scene(0)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=30)
    with Image.open(stream) as compressed:
        assert apart(picture, np.asarray(compressed)) <= 6
    assert apart(picture, (picture * 0.7 + 20).astype(np.uint8)) <= 6
    assert apart(picture, np.asarray(Image.fromarray(picture).resize((80, 64)))) <= 6
    assert min(apart(picture, scene(seed)) for seed in range(1, 9)) > 12
    assert 0 <= perceptual_hash(np.zeros((32, 32), np.uint8)) < 1 << 64


def test_groups_follow_chains_and_the_largest_come_first() -> None:
    far = 0xFFFF << 48
    hashes = [0, 0b1, 0b11, far, far | 1, 0xFFFFFFFF]
    pairs = near_hashes(hashes, radius=1)
    assert {tuple(pair) for pair in pairs.tolist()} == {(0, 1), (1, 2), (3, 4)}
    assert groups(pairs, len(hashes)) == [[0, 1, 2], [3, 4]]
    assert groups(near_hashes([], 1), 0) == []


def test_pairs_are_found_across_blocks() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**63, 1300, np.uint64)
    hashes[1299] = hashes[3]
    assert near_hashes(hashes, radius=2).tolist() == [[3, 1299]]
    poses = np.random.default_rng(1).normal(0, 1, (600, 12, 3))
    poses[590] = poses[2]
    poses[590, 0] += 0.001
    assert near_poses(poses).tolist() == [[2, 590]]


def test_what_is_all_alike_is_one_group_of_few_pairs() -> None:
    pairs = near_hashes(np.zeros(1500, np.uint64))
    assert len(pairs) < 64 * 1500
    assert [len(group) for group in groups(pairs, 1500)] == [1500]


def test_poses_of_one_moment_are_no_doubles(make_sample: MakeSample) -> None:
    notes = [notes_of_sample(make_sample(0)) for _ in range(3)]
    views = [
        replace(one, key=f"k{n}", sequence="jump" if n < 2 else "", view=str(n))
        for n, one in enumerate(notes)
    ]
    entries = [Entry(n, one, ({},)) for n, one in enumerate(views)]
    poses = poses_of(entries, 10)
    assert same_poses(entries[:2], poses_of(entries[:2], 10)) == []
    assert same_poses(entries, poses) == [[0, 1, 2]]
    assert len(poses_of(entries, 2).entries) == 2


def test_pictures_without_a_hash_are_left_out(make_sample: MakeSample) -> None:
    notes = notes_of_sample(make_sample(0))
    entries = [Entry(n, notes, ({},), one) for n, one in enumerate([None, 5, 0xFFFF << 48, 5])]
    assert same_pictures(entries) == [[1, 3]]


def test_ranks_put_the_hardest_last_and_keep_the_unknown() -> None:
    values = np.array([0.9, 0.1, np.nan, 0.5])
    np.testing.assert_allclose(ranks(values, is_small_hard=True), [0, 1, np.nan, 0.5])
    np.testing.assert_allclose(ranks(values, is_small_hard=False), [1, 0, np.nan, 0.5])
    np.testing.assert_allclose(ranks(np.array([2.0, 2.0]), True), [0.5, 0.5])


def test_the_hardest_comes_first_with_its_causes() -> None:
    rng = np.random.default_rng(0)
    iou, distance = rng.uniform(0.7, 0.9, 20), rng.uniform(20, 60, 20)
    iou[7], distance[7], distance[3] = 0.1, 200, 300
    found = hardest({"mask_iou": iou, "mpvpe_mm": distance, "oks": np.full(20, np.nan)}, most=3)
    assert found[0].row == 7 and found[0].causes[0] == ("mask_iou", 0.1)
    assert [name for name, _ in found[0].causes] == ["mask_iou", "mpvpe_mm"]
    assert sorted((one.hardness for one in found), reverse=True) == [one.hardness for one in found]
    assert hardest({"mask_iou": np.full(20, 0.5)}, 3) == []  # all alike: nobody is hard


def test_one_person_of_each_picture_is_listed(make_sample: MakeSample) -> None:
    entries = [
        Entry(
            n, notes_of_sample(make_sample(n, num_people=2)), ({"mask_iou": 0.9 - n / 20}, {"mask_iou": 0.8})
        )
        for n in range(6)
    ]
    found = hard_people(entries, poses_of(entries, 100), 4)
    assert len({row for row, _, _ in found}) == 4
    nobody = Poses(np.zeros((0, 12, 3)), np.zeros(0, np.int64), np.zeros(0, np.int64), ())
    assert len(hard_people(entries, nobody, 2)) == 2


def test_labels_are_counted_as_far_as_they_are_known(make_sample: MakeSample) -> None:
    whole = notes_of_sample(make_sample(0, num_people=2))
    sparse = replace(
        whole.people[0], person=None, keypoints_3d=None, confidence_3d=np.zeros(24, np.float32),
        confidence_2d=np.array([1.0] + [0.0] * 16, np.float32), visibility=None, family="unknown",
    )  # fmt: skip
    partly = replace(whole, key="b", camera=None, caption="", people=(sparse,), source="real/train")
    counts = count_labels([whole, partly])
    assert (counts.pictures, counts.people) == (2, 3)
    assert counts.of_people["SMPL parameters"] == 2 and counts.of_people["2D joints"] == 3
    assert counts.of_people["3D joints"] == 2 and counts.of_people["pose family"] == 2
    assert counts.of_pictures["camera"] == 1 and counts.of_pictures["caption"] == 1
    assert counts.joints_2d.tolist() == [3] + [2] * 16 and set(counts.joints_3d.tolist()) == {2}
    assert counts.bodies == {"open": 2} and counts.sources == {"synthgen": 1, "real/train": 1}
