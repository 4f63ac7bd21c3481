"""Pictures of shards and folders, one by one, and what is said where they lack something."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from synthgen.backends.protocols import Segments
from synthgen.image_metrics.features import Eye
from synthgen.image_metrics.pictures import PictureSet
from synthgen.shards.observations import read_observations, write_observations


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("b.png", "a.jpg", "more/c.png"):
        Image.fromarray(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8)).save(folder / name)
    Image.fromarray(np.full((20, 20), 7, np.uint8)).save(folder / "grey.png")
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:50])
    (folder / ".hidden.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_folder_is_read_in_order_and_broken_files_are_counted(photos):
    found = PictureSet("reference", str(photos))
    assert [one.key for one in found] == ["a.jpg", "b.png", "grey.png", "c.png"]
    assert found.left_out == {"the picture cannot be decoded": 1} and found.count() == 5
    assert {one.image.shape[2] for one in found} == {3} and {one.masks for one in found} == {None}
    assert [one.key for one in PictureSet("reference", str(photos), most=2)] == ["a.jpg", "b.png"]


def test_shards_are_read_with_their_masks_largest_first(run_dir, make_sample):
    found = list(PictureSet("generated.ours", str(run_dir), with_masks=True))
    assert [one.key for one in found] == [f"run-{n:08d}" for n in (0, 1, 2, 3, 5)]
    truth = make_sample(2, num_people=2)
    masks = [truth.mask == 1, truth.mask == 2]
    assert (found[2].masks == np.stack(sorted(masks, key=lambda mask: -mask.sum()))).all()
    assert np.abs(found[2].image.astype(int) - truth.image).mean() < 10, "it is a JPEG"
    assert PictureSet("x", str(run_dir)).count() == 5 and PictureSet("x", str(run_dir), most=2).count() == 2
    assert all(one.masks is None for one in PictureSet("x", str(run_dir / "run-000000.tar")))


def test_folders_of_shards_in_one_folder_are_one_set(run_dir, make_sample):
    other = run_dir.parent / "another"
    other.mkdir()
    write_observations(str(other), "real", read_observations(str(run_dir / "run-000001.tar")))
    found = PictureSet("reference", str(run_dir.parent))
    assert [one.key[-1] for one in found] == list("3501235") and found.count() == 7


def test_every_labelled_person_becomes_a_square(run_dir):
    people = [person for one in read_observations(str(run_dir)) for person in one.people]
    found = list(PictureSet("reference", str(run_dir), crop=1.2, with_masks=True))
    assert len(found) == len(people) == 7 and found[2].key == "run-00000002/0"
    for one in found:
        assert one.image.shape == (224, 224, 3) and one.masks.any(0)[56:168, 56:168].any()
    rows = np.flatnonzero(found[0].masks.any((0, 2)))
    columns = np.flatnonzero(found[0].masks.any((0, 1)))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    assert longer == pytest.approx(224 / 1.2, abs=12), "the person fills the square but for the margin"


def test_observations_have_no_masks_and_crop_alike(run_dir, tmp_path):
    observed = list(read_observations(str(run_dir)))
    write_observations(str(tmp_path), "real", observed)
    assert len(list(PictureSet("reference", str(tmp_path), crop=1.5))) == 7
    with pytest.raises(ValueError, match=r"reference: .*real-000000.tar: key run-00000000: lacks its member"):
        list(PictureSet("reference", str(tmp_path), with_masks=True))


def test_what_a_set_lacks_is_said(photos, run_dir, tmp_path):
    for source, options, words in (
        (photos, {"crop": 1.2}, "a folder of pictures without labels; crop needs shards"),
        (photos, {"with_masks": True}, "masks=labels needs shards"),
        (photos, {"drafts": True}, "drafts needs shards"),
        (
            run_dir,
            {"drafts": True},
            "lacks its member .draft.jpg; drafts are in shards that were made with keep",
        ),
        (tmp_path / "none", {}, "set: .*none: no such folder, expected shards or pictures"),
        (photos / "notes.txt", {}, "no such folder"),
    ):
        with pytest.raises(ValueError, match=words):
            list(PictureSet("set", str(source), **options))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds neither shards .* nor pictures"):
        list(PictureSet("set", str(tmp_path / "empty")))


def middle(images: list[np.ndarray]) -> list[Segments]:
    """Find one person in the middle of bright pictures, nobody in dark ones."""
    found = []
    for image in images:
        mask = np.zeros((int(image.mean() > 60), *image.shape[:2]), bool)
        mask[:, 100:200, 120:180] = True
        none = np.zeros(0, np.float32)
        found.append(Segments(mask, np.ones(len(mask), np.float32), mask[:0], none, ()))
    return found


def means(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.mean(3)[:, :, ::60].flatten(1)


def test_features_of_pictures_and_of_people_go_to_files_batch_by_batch(photos):
    told: list[int] = []
    eye = Eye(means, "clean", middle, "person", batch_size=3)
    seen = eye.look(PictureSet("reference", str(photos)), told.append)
    assert told == [3, 1] and (len(seen.whole), len(seen.people), seen.nobody) == (4, 3, 1)
    assert seen.whole.dimensions == 15 and seen.left_out == {"the picture cannot be decoded": 1}
    assert [people is None for _, people in seen.shown] == [False, False, True, False]
    at_once = Eye(means, "clean", middle, "person").look(PictureSet("reference", str(photos)))
    np.testing.assert_allclose(at_once.people.rows([0, 1, 2]), seen.people.rows([0, 1, 2]), rtol=1e-6)
    plain = Eye(means, "clean", None, None).look(PictureSet("reference", str(photos)))
    assert (len(plain.whole), len(plain.people), plain.nobody) == (4, 0, 0)


def test_too_few_pictures_or_people_and_bad_features_are_errors(photos, tmp_path):
    one = tmp_path / "one"
    one.mkdir()
    Image.new("RGB", (9, 9)).save(one / "dark.png")
    with pytest.raises(ValueError, match=r"generated.ours: 1 picture in .*one, expected at least 2"):
        Eye(means, "clean", middle, "picture").look(PictureSet("generated.ours", str(one)))
    Image.new("RGB", (9, 9)).save(one / "dark too.png")
    with pytest.raises(ValueError, match="people were found in 0 of 2 pictures of .*masks=none leaves"):
        Eye(means, "clean", middle, "picture").look(PictureSet("generated.ours", str(one)))
    with pytest.raises(ValueError, match="reference: the network's features hold NaN or infinity"):
        Eye(lambda x: means(x) / 0, "clean", None, None).look(PictureSet("reference", str(photos)))
