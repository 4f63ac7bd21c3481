import json
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from synthgen.report import write_report
from synthgen.report.cards import make_card
from synthgen.report.contact_sheet import label_views
from synthgen.report.ledger import Ledger, read_ledger
from synthgen.report.making import rates
from synthgen.report.rejections import MAX_SHOWN, read_gallery
from synthgen.sample import Rejection, Sample
from synthgen.shards import Shard, write_shard

CAUSE = ("masks", "nobody found")


class Texts(HTMLParser):
    """The words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def rejecting(tmp_path: Path) -> Callable[..., Path]:
    """Return make(shards, each, keep): a run in which everything is rejected for one reason."""

    def make(shards: int, each: int = 4, keep: int = 3) -> Path:
        for index in range(shards):
            items = [
                Rejection(f"run-{index:04d}{n}", *CAUSE, np.full((20, 30, 3), 9 * n, np.uint8))
                for n in range(each)
            ]
            write_shard(
                str(tmp_path), Shard("run", index, index * each, each, "x"), items, keep_rejected=keep
            )
        return tmp_path

    return make


@pytest.fixture
def ledger(run_dir: Path) -> Ledger:
    """Return the ledger of 30 s of work: 5 accepted, 1 rejected."""
    read = read_ledger(str(run_dir))
    read.reports = {name: replace(report, wall_s=15.0) for name, report in read.reports.items()}
    return read


def test_a_sample_with_a_draft_is_shown_step_by_step(make_sample: Callable[..., Sample]):
    sample = make_sample(0)
    card = make_card(replace(sample, draft=sample.image), label_views(sample), has_mesh=True)
    assert [view.kind for view in card.views] == ["draft", "mask", "depth", "picture", "overlay"]
    assert [view.caption for view in card.views] == ["Draft", "Masks", "Depth", "Redrawn", "Labels over it"]
    assert [bool(view.skeleton) for view in card.views] == [False] * 4 + [True]


def test_a_rendered_sample_is_shown_as_ever(make_sample: Callable[..., Sample]):
    sample = make_sample(0)
    card = make_card(sample, label_views(sample), has_mesh=True)
    assert [view.kind for view in card.views] == ["picture", "overlay", "depth", "mask"]
    assert not card.has_draft


def test_pictures_are_spread_over_the_shards_of_a_run(rejecting: Callable[..., Path]):
    folder = str(rejecting(12))
    shown = read_gallery(folder, read_ledger(folder)).thumbnails[CAUSE]
    assert [one.key for one in shown] == [f"run-{index:04d}0" for index in (0, 2, 4, 6, 8, 10)]
    assert len(shown) == MAX_SHOWN
    assert (shown[0].width, shown[0].height) == (30, 20) and shown[0].source.startswith(
        "data:image/webp;base64,"
    )


def test_one_shard_gives_all_it_has(rejecting: Callable[..., Path]):
    folder = str(rejecting(1, each=9, keep=20))
    assert len(read_gallery(folder, read_ledger(folder)).thumbnails[CAUSE]) == MAX_SHOWN


def test_a_damaged_file_is_a_problem_and_the_rest_is_shown(rejecting: Callable[..., Path]):
    folder = rejecting(2)
    (folder / "run-000000.rejected.json").write_text("{")
    gallery = read_gallery(str(folder), read_ledger(str(folder)))
    assert [one.key for one in gallery.thumbnails[CAUSE]] == ["run-00010", "run-00011", "run-00012"]
    assert "run-000000.rejected.json" in gallery.problems[0].line


def test_pictures_of_reasons_that_no_report_lists_are_left_out(rejecting: Callable[..., Path]):
    path = rejecting(1) / "run-000000.rejected.json"
    path.write_text(path.read_text().replace("nobody found", "made up"))
    assert read_gallery(str(path.parent), read_ledger(str(path.parent))).thumbnails == {}


def test_the_page_shows_rejections_and_stages_in_order(run_dir: Path, make_sample: Callable[..., Sample]):
    items = [make_sample(0), Rejection("run-00000001", *CAUSE, make_sample(1).image)]
    seconds = {
        "write": 1.0,
        "verify": 4.0,
        "own": 9.0,
        "draft": 2.0,
        "compose": 0.5,
        "label": 0.1,
        "masks": 3.0,
    }
    write_shard(str(run_dir), Shard("run", 0, 0, 2, "x"), items, seconds, keep_rejected=1)
    (run_dir / "run-000001.tar").unlink()
    page = Path(write_report(str(run_dir))).read_text()
    words = " ".join(" ".join(Texts(page).texts).split())
    assert "What was rejected" in words and "nobody found masks, 1 of these run-00000001" in words
    order = [
        "compose 500 ms",
        "draft 2,000 ms",
        "masks 3,000",
        "verify 4,000",
        "label 100",
        "write 1,000",
        "own 9,000",
    ]
    assert ", ".join(one if "ms" in one else f"{one} ms" for one in order) in page


def test_rates_count_what_was_accepted_and_all_that_was_worked_on(ledger: Ledger):
    assert [(rate["value"], rate["unit"]) for rate in rates(ledger)] == [
        ("0.17", "pictures/s per worker"),
        ("0.2", "requests/s per worker"),
    ]


def test_rates_per_gpu_hour_follow_from_the_part_that_a_worker_has(ledger: Ledger):
    ledger.settings = {"device": "cuda", "gpus_per_worker": 0.25}
    assert [(rate["value"], rate["unit"]) for rate in rates(ledger)][2:] == [
        ("2,400", "pictures per GPU hour, 0.25 GPU per worker"),
        ("2,880", "requests per GPU hour"),
    ]


@pytest.mark.parametrize("settings", [
    {"device": "cpu", "gpus_per_worker": 1}, {"device": "cuda", "gpus_per_worker": 0},
    {"device": "cuda", "gpus_per_worker": "all"}, {"device": "cuda", "gpus_per_worker": True},
    {"device": "cuda"},
])  # fmt: skip
def test_no_gpu_no_gpu_hours(ledger: Ledger, settings: dict[str, object]):
    ledger.settings = settings
    assert len(rates(ledger)) == 2


def test_reports_without_a_wall_clock_count_their_stages(run_dir: Path):
    for path in run_dir.glob("run-*.json"):
        record = json.loads(path.read_text())
        del record["wall_s"]
        path.write_text(json.dumps(record))
    assert read_ledger(str(run_dir)).worker_seconds() == 3.0
