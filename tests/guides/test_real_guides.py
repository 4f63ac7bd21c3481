import contextlib
import io
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthgen.geometry import project
from synthgen.guide import assumed_camera
from synthgen.guides import pictures
from synthgen.guides.pictures import decode_any
from synthgen.sample import Rejection
from synthgen.shards import read_samples

RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a red, a green and a blue picture in the order of their names."""
    root = tmp_path / "few shots"
    (root / "b").mkdir(parents=True)
    Image.new("RGB", (90, 70), RED).save(root / "a.JPG", "JPEG")
    Image.new("RGB", (70, 90), GREEN).save(root / "b" / "a.png")
    Image.new("RGB", (64, 64), BLUE).save(root / "c.webp", lossless=True)
    (root / "notes.md").write_text("not a picture")
    (root / "._a.jpg").write_bytes(b"left by a Mac")
    return root


def _color(image: np.ndarray) -> tuple[int, ...]:
    return tuple(np.round(image.reshape(-1, 3).mean(0) / 10).astype(int) * 10)


def test_pictures_go_round_in_the_order_of_their_names(ask, folder: Path) -> None:
    guides = ask("real", [0, 1, 2, 3, 7], path=str(folder), image_size=64)
    assert [_color(guide.image) for guide in guides] == [RED, GREEN, BLUE, RED, GREEN]
    assert [guide.prompt for guide in guides] == [f"prompt {n}" for n in range(5)]
    assert {guide.image.shape for guide in guides} == {(64, 64, 3)}


def test_fov_is_that_of_the_whole_picture(ask, folder: Path) -> None:
    wide, high, square = ask("real", [0, 1, 2], path=str(folder), image_size=64, fov_deg=50.0)
    assumed = assumed_camera((64, 64), 50.0).cam_int
    np.testing.assert_allclose(wide.camera.cam_int, assumed)
    np.testing.assert_allclose(square.camera.cam_int, assumed)
    assert high.camera.cam_int[1, 1] == pytest.approx(assumed[1, 1] * 90 / 70)  # the crop sees less of it
    padded = ask("real", [0], path=str(folder), image_size=64, fov_deg=50.0, fit="pad")[0]
    assert padded.camera.cam_int[1, 1] == pytest.approx(assumed[1, 1] * 70 / 90)


def test_captions_from_files(ask, folder: Path) -> None:
    for name, text in {"a": "a skier\n in a gate ", "b/a": "Öl", "c": " \n"}.items():
        (folder / f"{name}.txt").write_text(text, "utf-8")
    first, second, third = ask("real", [0, 1, 2], path=str(folder), captions="files")
    assert (first.prompt, second.prompt) == ("a skier in a gate", "Öl")
    assert third == Rejection("run-000000002", "compose", "caption cannot be read")


def test_missing_captions_are_one_error(ask, folder: Path) -> None:
    (folder / "c.txt").write_text("blue")
    with pytest.raises(ValueError, match=r"captions: 2 of 3 pictures .* a\.JPG; expected a\.txt beside it"):
        ask("real", [0], path=str(folder), captions="files")


def test_a_damaged_picture_is_a_rejection_and_one_warning(ask, folder: Path, caplog) -> None:
    (folder / "b" / "a.png").write_bytes((folder / "b" / "a.png").read_bytes()[:60])
    with caplog.at_level(logging.WARNING):
        guides = ask("real", [1, 2, 4], path=str(folder))
    assert guides[0] == Rejection("run-000000000", "compose", "picture cannot be read")
    assert isinstance(guides[2], Rejection) and not isinstance(guides[1], Rejection)
    assert [str(folder / "b" / "a.png") in record.getMessage() for record in caplog.records] == [True]


def test_wrong_paths(ask, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no .*nowhere; expected a folder with pictures"):
        ask("real", [0], path=str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="path is empty"):
        ask("real", [0], path="")
    with pytest.raises(ValueError, match=r"holds no picture .* set path to a folder with pictures"):
        ask("real", [0], path=str(tmp_path))
    (tmp_path / "back").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="does a link lead back"):
        ask("real", [0], path=str(tmp_path))


def test_shards_keep_their_cameras(ask, run_dir: Path) -> None:
    samples = list(read_samples(str(run_dir)))
    guides = ask("real", range(6), path=str(run_dir), image_size=64)
    for guide, sample in zip(guides, [*samples, samples[0]], strict=True):
        joints = sample.labels[0].keypoints_3d
        before, after = (project(joints, one.cam_int) for one in (sample.scene.camera, guide.camera))
        np.testing.assert_allclose(after, (before + [0.5 - 16, 0.5]) * 64 / 96 - 0.5, atol=1e-5)  # 128x96 px
        assert guide.prompt.startswith("prompt")
    assert ask("real", [0], path=str(run_dir), captions="files")[0].prompt == "a photo of a skier"


def test_exif_orientation_is_honoured(tmp_path: Path) -> None:
    picture = Image.new("RGB", (80, 40), RED)
    picture.paste(BLUE, (0, 0, 20, 40))  # on the left; a quarter turn clockwise brings it to the top
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    picture.save(stream, "JPEG", exif=exif, quality=95)
    turned = decode_any(stream.getvalue(), 64)
    assert turned.shape == (80, 40, 3)
    assert _color(turned[:15]) == BLUE and _color(turned[30:]) == RED


@pytest.mark.parametrize(
    ("mode", "color", "seen"),
    [
        ("L", 120, (120, 120, 120)),
        ("I;16", 120 * 257, (120, 120, 120)),
        ("1", 1, (260, 260, 260)),
        ("P", 0, (0, 0, 0)),
        ("RGBA", (*RED, 255), RED),
        ("RGBA", (0, 0, 0, 0), (260, 260, 260)),
        ("LA", (120, 255), (120, 120, 120)),
    ],
)
def test_all_modes_become_rgb(mode: str, color, seen: tuple[int, ...]) -> None:
    stream = io.BytesIO()
    Image.new(mode, (9, 7), color).save(stream, "PNG")
    image = decode_any(stream.getvalue(), 64)
    assert image.shape == (7, 9, 3) and image.dtype == np.uint8
    assert _color(image) == seen


def test_a_bomb_is_refused(monkeypatch) -> None:
    stream = io.BytesIO()
    Image.new("L", (300, 200)).save(stream, "PNG")
    monkeypatch.setattr(pictures, "MAX_PIXELS", 300 * 200 - 1)
    with pytest.raises(ValueError, match="300x200 px is more than"):
        decode_any(stream.getvalue(), 64)


def test_large_jpegs_are_decoded_small() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (1600, 1200), GREEN).save(stream, "JPEG")
    image = decode_any(stream.getvalue(), 64)
    assert image.shape == (150, 200, 3) and _color(image) == GREEN


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_whatever_is_damaged_is_a_value_error(kind: str) -> None:
    rng = np.random.default_rng(5)
    exif = Image.Exif()
    exif[0x0112] = 3
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(stream, kind, exif=exif)
    good = np.frombuffer(stream.getvalue(), np.uint8)
    for _ in range(150):
        bad = good.copy()
        places = rng.integers(0, min(len(bad), 300), 4)
        bad[places] = rng.integers(0, 256, 4)
        with contextlib.suppress(ValueError):
            assert decode_any(bad.tobytes()[: rng.integers(1, 2 * len(bad))], 64).shape[2] == 3
