"""The report in headless Chromium: quiet, fits phone and desktop, loads nothing, not fooled by its data."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Browser, started

from synthgen.report import write_report
from synthgen.sample import Rejection, Sample
from synthgen.shards import Shard, write_shard

DECODE_ALL = """
Promise.all([...document.images].map(i => {i.loading = 'eager'; return i.decode()})).then(all => all.length)
"""
HOSTILE = (
    "</script><script>window.hacked = 1</script>\"'><img src=x onerror='window.hacked = 1'> 雪 \u202eyks"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def hostile_run(run_dir: Path, make_sample: Callable[..., Sample]) -> Path:
    """Return a run whose first picture and rejection carry markup and script."""
    sample = make_sample(0)
    label = replace(sample.labels[0], family=HOSTILE, action=HOSTILE)
    request = replace(sample.request, prompt=HOSTILE)
    turned_away = Rejection(HOSTILE, "verify", HOSTILE, sample.image)
    items = [replace(sample, request=request, labels=(label,)), turned_away]
    write_shard(str(run_dir), Shard("run", 0, 0, 2, HOSTILE), items, keep_rejected=1)
    (run_dir / "config.yaml").write_text(json.dumps({"run": "run", "note": HOSTILE}))
    return run_dir


@pytest.fixture
def drawn_run(tmp_path: Path, make_sample: Callable[..., Sample]) -> Path:
    """Return a run of two redrawn pictures and a rejected one."""
    folder = tmp_path / "drawn"
    folder.mkdir()
    samples = [replace(one, draft=one.image[::-1].copy()) for one in (make_sample(0), make_sample(1))]
    items = [*samples, Rejection("run-00000002", "masks", "nobody found", samples[0].image)]
    write_shard(str(folder), Shard("run", 0, 0, 3, "x"), items, keep_rejected=1)
    return folder


@pytest.fixture
def page(run_dir: Path) -> Path:
    return Path(write_report(str(run_dir)))


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_page_runs_quietly_and_fits_the_window(browser: Browser, page: Path, size: tuple[int, int]) -> None:
    browser.open(page, size)
    assert browser.value("document.documentElement.dataset.ready") == "yes"
    assert browser.value("innerWidth") == size[0]
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    assert browser.value(DECODE_ALL) == 20
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]


def test_switch_shows_one_view_at_a_time(browser: Browser, page: Path) -> None:
    browser.open(page, DESKTOP)
    shown = "[...document.querySelectorAll('.cards .views > *')].filter(e => e.getClientRects().length)"
    kinds = f"[...new Set({shown}.map(e => e.classList[0]))].join()"
    assert browser.value(kinds) == "picture"
    for view in ("overlay", "depth", "mask", "picture"):
        browser.value(f"document.querySelector('#view-{view}').click()")
        assert browser.value(kinds) == view


def test_a_picture_enlarges_and_keys_turn_the_pages(browser: Browser, page: Path) -> None:
    browser.open(page, PHONE)
    keys = browser.value("[...document.querySelectorAll('.card')].map(c => c.dataset.key)")
    assert len(keys) == 5
    browser.value("document.querySelector('.open').click()")
    heading = "document.querySelector('dialog h2').textContent"
    assert browser.value("document.querySelector('dialog').open")
    assert browser.value(heading) == keys[0]
    assert browser.value("document.querySelectorAll('dialog .views > *').length") == 4
    assert browser.value("document.querySelector('dialog').scrollWidth") <= PHONE[0]
    browser.press("ArrowRight")
    assert browser.value(heading) == keys[1]
    browser.press("ArrowLeft")
    browser.press("ArrowLeft")
    assert browser.value(heading) == keys[-1]
    browser.press("Escape")
    assert not browser.value("document.querySelector('dialog').open")
    focused = "document.activeElement.closest('.card')?.dataset.key"
    settled = "new Promise(done => document.querySelector('dialog').addEventListener('close', done))"
    assert browser.value(f"{focused} ? {focused} : {settled}.then(() => {focused})") == keys[-1]


@pytest.mark.parametrize(("size", "rows"), [(PHONE, 2), (DESKTOP, 1)], ids=["phone", "desktop"])
def test_steps_stand_side_by_side_in_the_order_of_the_pipeline(
    browser: Browser, drawn_run: Path, size: tuple[int, int], rows: int
) -> None:
    browser.open(Path(write_report(str(drawn_run))), size)
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    assert browser.value(DECODE_ALL) == 2 * 5 + 1
    steps = (
        "[...document.querySelector('.card').querySelectorAll('.view')].map(e => e.getBoundingClientRect())"
    )
    found = browser.value(f"{steps}.map(r => [r.top, r.left, r.width, r.height])")
    assert found == sorted(found) and len({top for top, *_ in found}) == rows
    assert min(width for _, _, width, _ in found) > 90
    shown = "[...document.querySelector('.card').querySelectorAll('.step')].map(e => e.innerText).join()"
    assert browser.value(shown) == "Draft,Masks,Depth,Redrawn,Labels over it"
    browser.value("document.querySelector('#view-draft').click()")
    kinds = "[...document.querySelectorAll('.cards .view')].filter(e => e.getClientRects().length)"
    assert browser.value(f"{kinds}.map(e => e.classList[0]).join()") == "draft,draft"
    browser.value("document.querySelector('.open').click()")
    large = "[...document.querySelectorAll('dialog .view')].map(e => e.getBoundingClientRect().top)"
    assert len(set(browser.value(large))) == 2
    assert browser.value("document.querySelector('dialog').scrollWidth") <= size[0]


def test_family_filter(browser: Browser, page: Path) -> None:
    browser.open(page, DESKTOP)
    count = "[...document.querySelectorAll('.card')].filter(e => e.getClientRects().length).length"
    choose = "v => {const s = document.querySelector('#family'); s.value = v;"
    choose = f"({choose} s.dispatchEvent(new Event('change'))}})"
    assert browser.value("[...document.querySelector('#family').options].map(o => o.text).join()") == (
        "All families,ski"
    )
    browser.value(f"{choose}('f0')")
    assert browser.value(count) == 5
    assert browser.value("document.querySelector('#found').textContent") == "5 of 5 pictures"


def test_hostile_data_stays_text(browser: Browser, hostile_run: Path) -> None:
    page = Path(write_report(str(hostile_run)))
    browser.open(page, PHONE)
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]
    assert browser.value("typeof window.hacked") == "undefined"
    assert browser.value("document.scripts.length") == 1
    assert browser.value("document.querySelector('.says').textContent") == HOSTILE
    assert browser.value("document.querySelector('dl.facts dd.caption').textContent") == HOSTILE
    assert browser.value("document.querySelector('td.reason').textContent") == HOSTILE
    assert "<script>window.hacked" in browser.value("document.querySelector('#origin pre').textContent")
    wide = "[...document.querySelectorAll('main *, header *')].filter(e => !e.closest('.scroll, pre'))"
    wide += ".filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 99))"
    assert browser.value(wide) == []
    assert browser.value("document.documentElement.scrollWidth") <= PHONE[0]
    browser.value("document.querySelector('.open').click()")
    assert browser.value("document.querySelector('dialog .caption').textContent") == HOSTILE
    assert browser.value("typeof window.hacked") == "undefined"


def test_policy_stops_a_script_that_is_not_ours(browser: Browser, page: Path) -> None:
    text = page.read_text("utf-8")
    assert "</body>" in text
    page.write_text(text.replace("</body>", "<script>window.hacked = 1</script></body>"), "utf-8")
    browser.open(page, DESKTOP)
    assert browser.value("typeof window.hacked") == "undefined"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())
