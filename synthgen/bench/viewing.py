"""How fast the viewer shows samples: its first page after the start, then pages anywhere, with pictures.

What a browser asks for a page is asked here over HTTP: 24 samples with their pictures in one answer. Drawing
is the browser's own affair.
"""

import http.client
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from synthgen.shards.shard import load_report, shard_names
from synthgen.viewer.desk import Desk
from synthgen.viewer.server import Viewer

PER_PAGE = 24
PAGES = 40  # pages turned to at random


def measure(source: str) -> dict[str, Any]:
    """View shards and return seconds to the first page, median and greatest seconds of others, and sizes.

    Args:
        source: folder of shards.
    """
    start = time.perf_counter()
    viewer = Viewer(Desk(source, "", {}), 0)
    viewer.start()
    try:
        ask = _asker(viewer)
        ask("")
        ask("api/state")
        _turn_to(ask, 0)
        first = time.perf_counter() - start
        while_reading = [_timed(ask, viewer) for _ in range(PAGES)]
        viewer.desk.catalog.wait(600)
        read = time.perf_counter() - start
        total = viewer.desk.catalog.total
        after = [_timed(ask, viewer) for _ in range(PAGES)]
        begun = time.perf_counter()
        chosen = _turn_to(ask, 0, "&words=7")
        return {
            "total": total,
            "first": first,
            "read": read,
            "while_reading": sorted(while_reading),
            "after": sorted(after),
            "filter": time.perf_counter() - begun,
            "chosen": chosen,
            **_compare_answers(ask, total),
        }
    finally:
        viewer.close()


def _asker(viewer: Viewer) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=60)

    def ask(rest: str) -> bytes:
        connection.request("GET", f"/{viewer.guard.token}/{rest}")
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"{rest}: {answer.status} {content[:200]!r}")
        return content

    return ask


def _timed(ask: Any, viewer: Viewer) -> float:
    """Turn to a page at random and return the seconds it took."""
    where = random.randrange(max(viewer.desk.catalog.total - PER_PAGE, 1))
    begun = time.perf_counter()
    _turn_to(ask, where)
    return time.perf_counter() - begun


def _compare_answers(ask: Any, total: int) -> dict[str, float]:
    """Return CPU seconds of a page in one answer, and with an answer for each picture; asking counts, too."""
    spent = {"one_answer": 0.0, "many_answers": 0.0}
    for where in random.sample(range(max(total - PER_PAGE, 1)), min(PAGES, max(total - PER_PAGE, 1))):
        for name in spent:
            begun = time.process_time()
            if name == "one_answer":
                _turn_to(ask, where)
            else:
                items = json.loads(ask(f"api/page?start={where}&count={PER_PAGE}"))["items"]
                for item in items:
                    ask(f"picture/{item['position']}")
            spent[name] += (time.process_time() - begun) / PAGES
    return spent


def _turn_to(ask: Any, where: int, more: str = "") -> int:
    page = json.loads(ask(f"api/sheet?start={where}&count={PER_PAGE}{more}"))
    return int(page["found"])


def lines(folder: str, count: int = 100_000) -> list[str]:
    """Return what `make bench` prints; the first shard of a folder is linked to make `count` samples."""
    name = shard_names(folder)[0]
    report = load_report(folder, name)
    linked = Path(folder) / "many"
    linked.mkdir()
    for number in range(-(-count // report.accepted)):
        for suffix in ("tar", "json"):
            os.link(Path(folder) / f"{name}.{suffix}", linked / f"view-{number:06d}.{suffix}")
    found = measure(str(linked))
    middle, high = (found["after"][int(share * PAGES)] for share in (0.5, 0.95))
    early, one, many = found["while_reading"][PAGES // 2], found["one_answer"], found["many_answers"]
    return [
        f"view {found['total']} samples: first page of {PER_PAGE} after {found['first']:.2f} s, "
        f"all read after {found['read']:.0f} s",
        f"  another page: {1000 * middle:.0f} ms, 19 of 20 within {1000 * high:.0f} ms; "
        f"while reading {1000 * early:.0f} ms; a new filter {1000 * found['filter']:.0f} ms",
        f"  CPU of a page in one answer {1000 * one:.0f} ms, with an answer for each picture "
        f"{1000 * many:.0f} ms, ratio {many / one:.1f}",
    ]
