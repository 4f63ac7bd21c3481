"""Folders of one's own: with a COCO json, with nothing; pictures of all kinds, damaged ones counted."""

import io
from pathlib import Path

import numpy as np
import pytest
from dataset_writers import actors
from dataset_writers.folders import POINTS, label
from PIL import Image

from synthgen.datasets import open_dataset
from synthgen.datasets.detected import Finder, Found, find_people
from synthgen.datasets.entry import Choice, LayoutError
from synthgen.datasets.intake import check_pictures, take
from synthgen.observation import Observation
from synthgen.sample import Rejection


def test_with_a_json(tmp_path: Path, read_all) -> None:
    data = actors.paint(tmp_path / "photos" / "day 1" / "a b.é.jpg")
    actors.paint(tmp_path / "images" / "plain.png")
    label(
        tmp_path,
        {"photos/day 1/a b.é.jpg": (96, 128), "plain.png": None, "gone.jpg": None, "../up.jpg": None},
    )
    found = read_all("folder", tmp_path)
    assert found[0].data == data and found[0].notes.key == "photos-day-1-a-b-0000000"
    np.testing.assert_allclose(found[0].notes.people[0].keypoints_2d, POINTS, atol=1e-4)
    assert (found[0].notes.people[0].confidence_2d == 0.75).all(), "confidences stay"
    assert found[1].image_format == "png"
    assert [one.reason for one in found[2:]] == ["the picture is missing", "the annotation names no picture"]


def test_which_json(tmp_path: Path, read_all) -> None:
    actors.paint(tmp_path / "a.jpg")
    label(tmp_path, {"a.jpg": None}, "one.json")
    label(tmp_path, {"a.jpg": None}, "two.json")
    with pytest.raises(
        LayoutError, match=r"holds 2 json files \(one.json, two.json\); expected annotations="
    ):
        read_all("folder", tmp_path)
    assert len(read_all("folder", tmp_path, annotations="two.json")) == 1
    with pytest.raises(LayoutError, match="three.json: no such file"):
        read_all("folder", tmp_path, annotations="three.json")


def test_pictures_that_have_to_be_encoded_anew(tmp_path: Path, read_all) -> None:
    for name, mode in (
        ("grey.jpg", "L"),
        ("palette.png", "P"),
        ("cmyk.jpg", "CMYK"),
        ("rgba.png", "RGBA"),
        ("b.bmp", "RGB"),
    ):
        actors.paint(tmp_path / name, mode=mode)
    label(tmp_path, dict.fromkeys(("grey.jpg", "palette.png", "cmyk.jpg", "rgba.png", "b.bmp"), (96, 128)))
    found = read_all("folder", tmp_path)
    assert all(isinstance(one, Observation) and one.image.shape == (96, 128, 3) for one in found)
    expected = np.asarray(Image.open(tmp_path / "grey.jpg"))
    np.testing.assert_array_equal(found[0].image[..., 1], expected)


def test_pictures_that_lie_on_their_side(tmp_path: Path, read_all) -> None:
    """A phone stores pixels as they are and says how they are turned: labels decide which of both counts."""
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("stored.jpg", "upright.jpg"):
        Image.fromarray(noise).save(tmp_path / name, exif=exif)
    label(tmp_path, {"stored.jpg": (96, 128), "upright.jpg": (128, 96)})
    stored, upright = read_all("folder", tmp_path)
    with Image.open(io.BytesIO(stored.data)) as picture:
        assert not picture.getexif()  # or browsers and OpenCV would turn it under its labels
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(Image.open(tmp_path / "stored.jpg")))
    pixels = np.asarray(Image.open(tmp_path / "upright.jpg"))
    np.testing.assert_array_equal(upright.image, np.rot90(pixels, -1))


def test_an_orientation_nobody_asked_for_is_taken_out_of_a_png(tmp_path: Path, read_all) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(noise).save(tmp_path / "a.png", exif=exif)
    label(tmp_path, {"a.png": (96, 128)})
    (found,) = read_all("folder", tmp_path)
    np.testing.assert_array_equal(found.image, noise)


def test_damaged_pictures_are_counted(tmp_path: Path, read_all) -> None:
    jpeg, png = actors.paint(tmp_path / "whole.jpg"), actors.paint(tmp_path / "whole.png")
    broken = {
        "half.jpg": jpeg[: len(jpeg) // 2], "half.png": png[: len(png) // 2], "empty.jpg": b"",
        "text.jpg": b"<html>404</html>", "flipped.png": png[:400] + bytes([png[400] ^ 255]) + png[401:],
    }  # fmt: skip
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.jpg").mkdir()
    names = ["whole.jpg", *broken, "folder.jpg", "whole.png"]
    label(tmp_path, dict.fromkeys(names))
    found = read_all("folder", tmp_path)
    reasons = {name: one.reason for name, one in zip(names, found, strict=True) if isinstance(one, Rejection)}
    assert reasons == dict.fromkeys(broken, "the picture cannot be decoded") | {
        "folder.jpg": "the picture cannot be read"
    }
    assert all(one.stage == "read" for one in found if isinstance(one, Rejection))


def test_without_labels_people_are_found_and_marked(tmp_path: Path) -> None:
    data = {
        name: actors.paint(tmp_path / name, seed=n) for n, name in enumerate(("a.jpg", "b.jpg", "c/d.jpg"))
    }
    (tmp_path / "e.jpg").write_bytes(b"nothing")
    (tmp_path / ".hidden.jpg").write_bytes(b"nothing")
    reader = open_dataset("folder", Choice(tmp_path))
    assert len(reader) == 4
    assert {one.reason for one in take(reader, 0, 4)} >= {"nobody is labelled"}
    batches: list[int] = []

    def find(images):
        batches.append(len(images))
        found = []
        for image in images:
            count = int(image[0, 0, 0] >= 0) if len(batches) == 1 else 0
            sure = np.where(np.arange(17) < 9, 0.9, 0.1)
            found.append(
                Found(
                    np.tile([10.0, 5, 90, 90], (count, 1)),
                    np.tile(POINTS, (count, 1, 1)),
                    np.tile(sure, (count, 1)),
                )
            )
        return found

    finder = Finder(find, "boxes: a 1, joints: b 2", "folder/mine", 0.3, batch_size=2)
    found = list(find_people(reader, 0, 4, finder))
    assert batches == [2, 1], "the broken one is not shown to the models"
    assert found[0].data == data["a.jpg"] and found[0].notes.labelled_by == "boxes: a 1, joints: b 2"
    person = found[0].notes.people[0]
    np.testing.assert_allclose(person.bbox, [10, 5, 90, 90])
    np.testing.assert_allclose(person.confidence_2d, np.where(np.arange(17) < 9, 0.9, 0), atol=1e-6)
    assert [one.reason for one in found[2:]] == ["no person was found", "the picture cannot be decoded"]


def test_an_empty_folder_and_pictures_that_are_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="holds no picture"):
        open_dataset("folder", Choice(tmp_path))
    with pytest.raises(LayoutError, match="nowhere: no such folder"):
        open_dataset("folder", Choice(tmp_path / "nowhere"))
    label(tmp_path, {"a.jpg": None, "b.jpg": None})
    reader = open_dataset("folder", Choice(tmp_path))
    with pytest.raises(LayoutError, match=r"a.jpg: no such file, nor any other picture"):
        check_pictures(reader, reader.origin)
    actors.paint(tmp_path / "b.jpg")
    check_pictures(reader, reader.origin)


def test_linked_folders_are_read_once(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    root.mkdir()
    actors.paint(root / "a.jpg")
    actors.paint(elsewhere / "b.jpg")
    (root / "linked").symlink_to(elsewhere)
    (root / "again").symlink_to(elsewhere)
    (root / "self").symlink_to(root)
    (elsewhere / "up").symlink_to(root)
    reader = open_dataset("folder", Choice(root))
    pictures = [reader.entry(index).picture for index in range(len(reader))]
    assert pictures == [root / "a.jpg", root / "again" / "b.jpg"]
