"""How fast the viewer shows samples: its first page after the start, then pages anywhere, with pictures.

What a browser asks for a page is asked here over HTTP: the samples' labels, then 24 pictures. Drawing is the
browser's own affair.
"""

import http.client
import json
import random
import time
from typing import Any

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
        total = viewer.desk.catalog.total
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


def _turn_to(ask: Any, where: int, more: str = "") -> int:
    page = json.loads(ask(f"api/page?start={where}&count={PER_PAGE}{more}"))
    for item in page["items"]:
        ask(f"thumb/{item['position']}")
    return int(page["found"])
