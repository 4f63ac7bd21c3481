"""quality.html of generated samples and of real pictures, read as text and in headless Chromium."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Browser, started

from synthgen.dataset_report.intake import is_generated
from synthgen.dataset_report.page import Options, write_quality_report
from synthgen.observation import Observation
from synthgen.sample import Sample
from synthgen.shards import read_samples
from synthgen.shards.observation_records import notes_of_sample
from synthgen.shards.observations import write_observations

MakeSample = Callable[..., Sample]
HOSTILE = "</style><script>window.hacked = 1</script>\"'><img src=x onerror='window.hacked = 1'> {{ 7 }}"
FEW = Options(num_pictures=3, num_hard=2)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def observations(make_sample: MakeSample, count: int, text: str = "") -> Iterator[Observation]:
    """Yield pictures with 3D joints, every other one with SMPL parameters, the first without a camera."""
    for index in range(count):
        sample = make_sample(index)
        one = notes_of_sample(sample).with_image(sample.image)
        person = replace(one.people[0], person=one.people[0].person if index % 2 else None)
        person = replace(person, family=text or person.family, action=text or person.action)
        camera = one.camera if index else None
        yield replace(one, people=(person,), camera=camera, source=text or "real/train", caption=text)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, make_sample: MakeSample) -> Path:
    """Return shards of ten hostile real pictures, the last one a copy of the one before."""
    folder = tmp_path_factory.mktemp("real") / "<b>real"
    folder.mkdir()
    items = list(observations(make_sample, 9, HOSTILE))
    write_observations(str(folder), "real", [*items, replace(items[-1], key="copy")], shard_size=4)
    return folder


def test_a_generated_run_has_everything(run_dir: Path) -> None:
    page = Path(write_quality_report(str(run_dir), FEW)).read_text("utf-8")
    assert page.count('<article class="photo">') == 3
    assert page.count('class="drawn"') == 3  # bodies over all pictures
    for words in ("All 5 samples looked at, with 7 people, 7 poses in 3D", "Nearest other pose", "Elevation"):
        assert words in page
    assert is_generated(str(run_dir)) is True


def test_damaged_samples_are_told_and_passed_over(run_dir: Path) -> None:
    tar = run_dir / "run-000001.tar"
    tar.write_bytes(tar.read_bytes().replace(b'"schema":1', b'"schema":7', 1))
    page = Path(write_quality_report(str(run_dir), FEW)).read_text("utf-8")
    assert "4 of 5 samples looked at" in page and "schema must be 1, got 7" in page


def test_a_reference_shows_what_is_missing(run_dir: Path, real: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    items = [notes_of_sample(one).with_image(one.image) for one in read_samples(str(run_dir))]
    write_observations(str(own), "own", items)
    page = Path(write_quality_report(str(own), replace(FEW, reference=str(run_dir)))).read_text("utf-8")
    assert "100 % of the reference&#39;s poses have one of these within 100 mm" in page
    assert "These 7 poses held against 7 of run" in page
    page = Path(write_quality_report(str(own), replace(FEW, reference=str(real)))).read_text("utf-8")
    assert page.count('class="stick"') == 10


def test_two_dimensions_alone_are_enough(tmp_path: Path, make_sample: MakeSample) -> None:
    flat = [
        replace(
            one,
            people=(
                replace(
                    one.people[0], person=None, keypoints_3d=None, confidence_3d=np.zeros(24, np.float32)
                ),
            ),
            camera=None,
        )
        for one in observations(make_sample, 3)
    ]
    write_observations(str(tmp_path), "flat", flat)
    page = Path(write_quality_report(str(tmp_path), FEW)).read_text("utf-8")
    assert "There are too few poses in 3D to compare." in page and "Nothing is known of the cameras." in page
    assert is_generated(str(tmp_path)) is False


def test_shards_without_anybody_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no shard"):
        write_quality_report(str(tmp_path))
    assert is_generated(str(tmp_path)) is None


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_hostile_pictures_are_shown_quietly(browser: Browser, real: Path, size: tuple[int, int]) -> None:
    page = Path(write_quality_report(str(real), FEW))
    browser.open(page, size)
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.value("document.scripts.length") == 0
    assert browser.value("typeof window.hacked") == "undefined"
    assert browser.value("document.querySelector('.says').textContent") == HOSTILE
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    wide = "[...document.querySelectorAll('main *, header *')].filter(e => !e.closest('svg, .scroll'))"
    wide += ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"
    assert browser.value(wide) == []
    shown = "getComputedStyle(document.querySelector('#pictures .skeleton')).display"
    assert browser.value(shown) == "block"
    browser.value("document.querySelector('#view-picture').click()")
    assert browser.value(shown) == "none"
    assert browser.value("document.querySelector('.alike p').textContent") == "2 alike"
