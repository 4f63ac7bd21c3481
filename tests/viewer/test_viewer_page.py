"""The viewer in headless Chromium: pages, overlays, bodies that turn, marks; not fooled by its data."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import DESKTOP, PHONE, Browser, started
from scipy import ndimage

from synthgen.sample import Rejection, Sample
from synthgen.shards import Shard, read_samples, write_shard
from synthgen.shards.bad_list import read_bad_list
from synthgen.viewer.desk import Desk
from synthgen.viewer.server import Viewer

HOSTILE = (
    "</script><script>window.hacked = 1</script>\"'><img src=x onerror='window.hacked = 1'> 雪 \u202eyks"
)
READY = """
new Promise((done) => { const look = () => document.documentElement.dataset.ready ? done(true)
: setTimeout(look, 20); look(); })
"""
CARDS = "document.querySelectorAll('.card').length"
FOUND = "document.querySelector('#pages').textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def go(browser: Browser, url: str, size: tuple[int, int] = DESKTOP) -> None:
    browser.open(url, size)
    assert browser.value(READY)


def until(browser: Browser, condition: str) -> None:
    """Wait until an expression is true in the page."""
    browser.value(
        f"new Promise((done, fail) => {{ let n = 0; const look = () => ({condition}) ? done(1) "
        f": n++ > 400 ? fail(new Error({json.dumps(condition)})) : setTimeout(look, 20); look(); }})"
    )


def choose(browser: Browser, field: str, value: str) -> None:
    browser.value(
        f"(() => {{ const e = document.querySelector('#{field}'); e.value = {json.dumps(value)}; "
        "e.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_pages_are_turned_quietly_and_fit_the_window(
    browser: Browser, viewer: Viewer, size: tuple[int, int]
) -> None:
    go(browser, viewer.url, size)
    assert browser.value(CARDS) == 24
    assert browser.value(FOUND) == "of 2 (30 found)"
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    browser.value("document.querySelector('#after').click()")
    until(browser, f"{CARDS} == 6")
    assert browser.value("document.querySelector('.card .key').textContent") == "run-00000024"
    assert browser.value("document.querySelector('#after').disabled")
    assert browser.complaints() == []
    assert {url.startswith(viewer.url) for url in browser.requests()} == {True}


def test_a_page_is_one_answer_and_the_next_is_there_before_it_is_wanted(
    browser: Browser, viewer: Viewer
) -> None:
    assert viewer.desk.catalog.wait(30)
    go(browser, viewer.url)
    asked = "performance.getEntriesByType('resource').map(e => e.name.split('/').slice(4).join('/'))"
    sheets = f"{asked}.filter(n => n.includes('sheet'))"
    until(browser, f"{sheets}.length == 2")
    assert browser.value(sheets)[1].startswith("api/sheet?start=24&")
    before = browser.value(asked)
    assert not [one for one in before if one.startswith(("picture", "thumb"))]
    pictures = "[...document.querySelectorAll('.card img')]"
    assert browser.value(f"{pictures}.length == 24 && {pictures}.every(i => i.naturalWidth > 0)")
    assert browser.value(f"getComputedStyle({pictures}[0]).imageOrientation") == "none"
    browser.value("document.querySelector('#after').click()")
    until(browser, f"{CARDS} == 6")
    assert browser.value(asked) == before


def test_overlays_are_switched_and_lie_on_the_picture(browser: Browser, viewer: Viewer) -> None:
    go(browser, viewer.url)
    assert browser.value("document.querySelectorAll('.card .skeleton').length") == 24
    browser.value("document.querySelector('[data-overlay=none]').click()")
    assert browser.value("document.querySelectorAll('.card .skeleton, .card .mesh').length") == 0
    browser.value("document.querySelector('[data-overlay=mesh]').click()")
    until(browser, "document.querySelector('.card:first-child .mesh')")
    mask = next(iter(_masks(viewer)))
    drawn = browser.value(
        "(() => { const c = document.querySelector('.card:first-child .mesh'); const d = "
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data; "
        "const all = Array.from({length: c.width * c.height}, (_, i) => d[4 * i + 3] > 0 ? 1 : 0); "
        "return [c.width, c.height, all]; })()"
    )
    assert drawn[:2] == [mask.shape[1], mask.shape[0]]
    inside = np.array(drawn[2], bool).reshape(mask.shape)
    grown = ndimage.binary_dilation(inside, np.ones((3, 3)))  # the fixture draws vertices as whole pixels
    assert (mask > 0)[inside].mean() > 0.95
    assert grown[mask > 0].mean() > 0.99


def _masks(viewer: Viewer) -> Iterator[np.ndarray]:
    for sample in read_samples(viewer.desk.catalog.source):
        yield sample.mask


def test_a_body_turns_under_the_mouse_and_the_keys(browser: Browser, viewer: Viewer) -> None:
    go(browser, viewer.url)
    browser.value("document.querySelector('.open').click()")
    drawn = "document.querySelector('#turned').dataset.drawn"
    until(browser, f"{drawn} == '2 0.000 0.000 1.000'")
    shape = "document.querySelector('#turned').toDataURL()"
    before = browser.value(shape)
    box = browser.value(
        "(() => { const r = document.querySelector('#turned').getBoundingClientRect(); "
        "return [r.left + r.width / 2, r.top + r.height / 2]; })()"
    )
    x, y = box
    for kind, dx, held in (("mousePressed", 0, 1), ("mouseMoved", 50, 1), ("mouseReleased", 50, 0)):
        browser.call(
            "Input.dispatchMouseEvent", type=kind, x=x + dx, y=y, button="left", buttons=held, clickCount=1
        )
    until(browser, f"{drawn} == '2 -0.500 0.000 1.000'")
    assert browser.value(shape) != before
    browser.value("document.querySelector('#turned').dispatchEvent(new MouseEvent('dblclick'))")
    until(browser, f"{drawn} == '2 0.000 0.000 1.000'")
    assert browser.value(shape) == before
    assert browser.value("document.querySelector('dialog').scrollWidth") <= DESKTOP[0]


def test_marks_are_written_shown_and_taken_off(browser: Browser, viewer: Viewer) -> None:
    go(browser, viewer.url)
    browser.value("document.querySelectorAll('.mark')[1].click()")
    until(browser, "document.querySelectorAll('.is-bad').length == 1")
    assert read_bad_list(viewer.desk.marks.path) == {"run-00000001"}
    browser.value("document.querySelector('#only-marked').click()")
    until(browser, f"{CARDS} == 1")
    browser.value("document.querySelector('.open').click()")
    assert browser.value("document.querySelector('#mark').textContent") == "Marked as bad"
    browser.value("document.querySelector('#mark').click()")
    until(browser, "document.querySelectorAll('.is-bad').length == 0")
    assert read_bad_list(viewer.desk.marks.path) == frozenset()


def test_filters_choose_by_family_score_and_reason(browser: Browser, viewer: Viewer) -> None:
    go(browser, viewer.url)
    assert (
        browser.value("[...document.querySelector('#family').options].map(o => o.text).join()")
        == "all,ski (30)"
    )
    choose(browser, "score", "occluded")
    choose(browser, "low", "0.3")
    until(browser, f"{FOUND} == 'of 1 (0 found)'")
    choose(browser, "low", "0.2")
    until(browser, f"{FOUND} == 'of 2 (30 found)'")
    choose(browser, "words", "0000012")
    until(browser, f"{CARDS} == 1")
    choose(browser, "low", "many")
    until(browser, "!document.querySelector('#complaint').hidden")
    browser.value("document.querySelector('#show-rejected').click()")
    until(browser, f"{CARDS} == 1 && !document.querySelector('.card .mark')")
    assert browser.value("document.querySelector('.card .says').textContent") == "joints out of place"
    reasons = "[...document.querySelector('#reason').options].map(o => o.text).join()"
    assert browser.value(reasons) == "all,verify: joints out of place (1 of 1)"


def test_hostile_data_stays_text(
    browser: Browser, tmp_path: Path, make_sample: Callable[..., Sample]
) -> None:
    folder = tmp_path / "<img src=x onerror='window.hacked = 1'>"
    folder.mkdir()
    sample = make_sample(0)
    label = replace(sample.labels[0], family=HOSTILE, action=HOSTILE, scores={HOSTILE: 1.0})
    items = [
        replace(sample, request=replace(sample.request, prompt=HOSTILE), labels=(label,)),
        Rejection(HOSTILE, "verify", HOSTILE, sample.image),
    ]
    write_shard(str(folder), Shard("run", 0, 0, 2, HOSTILE), items, keep_rejected=1)
    viewer = Viewer(Desk(str(folder), "", {}), 0)
    viewer.start()
    try:
        assert viewer.desk.catalog.wait(30)
        go(browser, viewer.url, PHONE)
        assert browser.value("document.querySelector('.says').textContent") == HOSTILE
        assert HOSTILE in browser.value("document.querySelector('#family').options[1].text")
        browser.value("document.querySelector('.open').click()")
        assert browser.value("document.querySelector('#caption').textContent") == HOSTILE
        assert HOSTILE.replace("_", " ") in browser.value("document.querySelector('#facts').textContent")
        browser.value("document.querySelector('#close').click()")
        browser.value("document.querySelector('#show-rejected').click()")
        until(browser, "document.querySelector('.card') && !document.querySelector('.mark')")
        assert browser.value("document.querySelector('.foot .key').textContent") == HOSTILE
        assert browser.value("document.documentElement.scrollWidth") <= PHONE[0]
        assert browser.value("typeof window.hacked") == "undefined"
        assert browser.complaints() == []
    finally:
        viewer.close()
