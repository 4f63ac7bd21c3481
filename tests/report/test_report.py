"""The report's content; how it looks and behaves is tested in a browser by test_report_page.py."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import fsspec
import pytest

from synthgen.report import Options, write_report
from synthgen.sample import Provenance, Rejection, Sample
from synthgen.shards import Shard, write_shard

HOSTILE = (
    "</title></style></script><script>window.hacked = 1</script>\"'><img src=x onerror='window.hacked = 1'"
    "> {{ 7 * 7 }} ${alert(1)} &lt;b&gt; – 雪 🎿 \u202eyks"
)


class Outline(HTMLParser):
    """Tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def run_dir(run_dir: Path) -> Path:
    """Return the finished run as of a worker whose clock showed a second and a half for each shard."""
    for path in run_dir.glob("run-*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "wall_s": 1.5}))
    return run_dir


@pytest.fixture
def hostile_run(tmp_path: Path, make_sample: Callable[..., Sample]) -> Path:
    """Return a run in which every text that can come from elsewhere tries to become markup."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "config.yaml").write_text(json.dumps({"run": HOSTILE, "num_samples": 9, "note": HOSTILE}))
    sample = make_sample(0, num_people=2)
    labels = (replace(one, family=HOSTILE, action=HOSTILE, scores={HOSTILE: 1.0}) for one in sample.labels)
    bad = replace(
        sample,
        request=replace(sample.request, prompt=HOSTILE),
        labels=tuple(labels),
        scores={HOSTILE: 0.5},
        provenance=Provenance({HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}, HOSTILE, HOSTILE),
    )
    items = [bad, Rejection(HOSTILE, "verify", HOSTILE, bad.image)]
    write_shard(str(folder), Shard("hostile", 0, 0, 2, HOSTILE), items, {HOSTILE: 1.0}, keep_rejected=1)
    note = {"attempts": HOSTILE, "error": HOSTILE, "traceback": HOSTILE}
    (folder / "hostile-000001.failed.json").write_text(json.dumps(note))
    return folder


def test_report_lies_beside_the_shards_and_repeats_itself(run_dir: Path) -> None:
    where = Path(write_report(str(run_dir)))
    assert where == run_dir / "report.html"
    first = where.read_bytes()
    write_report(str(run_dir))
    assert where.read_bytes() == first
    assert [path.name for path in run_dir.iterdir() if path.name.startswith(".")] == []


def test_report_counts_every_request(run_dir: Path) -> None:
    texts = " ".join(" ".join(Outline(Path(write_report(str(run_dir))).read_text()).texts).split())
    assert "5 labelled pictures in 2 shards, from 6 requests" in texts
    assert "5 made" in texts
    assert "1 rejected for a reason" in texts
    assert "too few joints visible 1 16.67 % run-00000004" in texts
    assert "Workers spent 3 s on these shards in all, 0.6 s for each accepted picture" in texts
    assert "Counted over the labels of all 5 pictures." in texts
    assert "not complete" not in texts


def test_page_needs_nothing_from_outside(run_dir: Path) -> None:
    page = Path(write_report(str(run_dir))).read_text()
    outline = Outline(page)
    pictures = outline.all("img")
    assert len(pictures) == 5 * 4
    assert all(picture["src"].startswith("data:image/webp;base64,") for picture in pictures)
    assert not outline.all("link") and not outline.all("iframe") and not outline.all("base")
    assert all("src" not in script for script in outline.all("script"))
    assert not re.search(r"https?://", page)
    assert [name for _, attributes in outline.tags for name in attributes if name.startswith("on")] == []
    policy = next(
        m["content"] for m in outline.all("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_charts_say_what_they_show(run_dir: Path) -> None:
    outline = Outline(Path(write_report(str(run_dir))).read_text())
    charts = [one for one in outline.all("svg") if one.get("role") == "img"]
    assert len(charts) > 20
    assert all(one["aria-label"] for one in charts)
    assert sum("left_" in one["aria-label"] or "left " in one["aria-label"] for one in charts) >= 9
    assert any(
        one["aria-label"].startswith("Camera distance, camera to pelvis [m]: median") for one in charts
    )


def test_pictures_and_statistics_can_be_limited(run_dir: Path) -> None:
    outline = Outline(Path(write_report(str(run_dir), Options(num_pictures=2, max_samples=3))).read_text())
    texts = " ".join(" ".join(outline.texts).split())
    assert len(outline.all("article")) == 2
    assert "labels of 3 of 5 pictures" in texts or "labels of 2 of 5 pictures" in texts


def test_unfinished_run_says_what_is_missing(run_dir: Path) -> None:
    (run_dir / "config.yaml").write_text("run: run\nnum_samples: 12\nsamples_per_shard: 3\n")
    note = {"attempts": 3, "error": "worker died", "traceback": "Traceback: boom"}
    (run_dir / "run-000002.failed.json").write_text(json.dumps(note))
    tar = run_dir / "run-000001.tar"
    tar.write_bytes(tar.read_bytes()[:3000])
    texts = " ".join(" ".join(Outline(Path(write_report(str(run_dir))).read_text()).texts).split())
    assert "This run is not complete" in texts
    assert "shard run-000002 is in quarantine after 3 attempts: worker died" in texts
    assert "Traceback: boom" in texts
    assert "1 of 4 shards were not made yet: run-000003" in texts
    assert "shard run-000001 cannot be read to its end" in texts
    assert "6 not worked on yet" in texts


def test_shard_without_report_is_noted_and_not_counted(run_dir: Path) -> None:
    (run_dir / "run-000001.json").unlink()
    texts = " ".join(" ".join(Outline(Path(write_report(str(run_dir))).read_text()).texts).split())
    assert "shard run-000001 has no report" in texts
    assert "3 labelled pictures in 1 shard," in texts


def test_run_without_any_shard_yet(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("run: soon\nnum_samples: 10\nsamples_per_shard: 5\n")
    texts = " ".join(" ".join(Outline(Path(write_report(str(tmp_path))).read_text()).texts).split())
    assert "There is no picture to show yet." in texts
    assert "2 of 2 shards were not made yet" in texts


def test_unknown_body_leaves_skeletons(run_dir: Path) -> None:
    page = Path(write_report(str(run_dir), Options(body="missing/SMPL_NEUTRAL.pkl"))).read_text()
    assert "Overlays show skeletons only" in page
    assert page.count('class="skeleton"') == 5


def test_another_revision_of_the_body_is_told(run_dir: Path, make_sample: Callable[..., Sample]) -> None:
    sample = make_sample(0)
    provenance = replace(sample.provenance, revisions={"body": "0ld"})
    write_shard(str(run_dir), Shard("run", 0, 0, 1, "hash"), [replace(sample, provenance=provenance)])
    page = Path(write_report(str(run_dir))).read_text()
    assert "the labels were made with 0ld, so that they may not fit" in page


def test_report_of_a_remote_run(run_dir: Path) -> None:
    store = fsspec.filesystem("memory")
    for path in run_dir.iterdir():
        store.pipe_file(f"/bucket/run/{path.name}", path.read_bytes())
    assert write_report("memory://bucket/run", Options(num_pictures=1)) == "memory://bucket/run/report.html"
    write_report(str(run_dir), Options(num_pictures=1))
    assert store.cat_file("/bucket/run/report.html") == (run_dir / "report.html").read_bytes()


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_folder_without_a_run_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="neither config.yaml nor a shard"):
        write_report(str(tmp_path / name))


def test_hostile_data_is_escaped(hostile_run: Path) -> None:
    page = Path(write_report(str(hostile_run))).read_text()
    outline = Outline(page)
    assert len(outline.all("script")) == 1
    assert not [picture for picture in outline.all("img") if not picture["src"].startswith("data:image/webp")]
    assert page.count("window.hacked") > 10
    assert "<script>window.hacked" not in page
    assert HOSTILE in {
        attributes.get("aria-label", "").partition(": ")[2] for attributes in outline.all("button")
    }
