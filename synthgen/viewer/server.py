"""The viewer's HTTP server, on 127.0.0.1 alone: routes, checks, and errors as one JSON sentence."""

import json
import logging
import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from synthgen.shards.records import decode_json
from synthgen.viewer.columns import LABELS, Choice
from synthgen.viewer.desk import LAYERS, MAX_PAGE, Desk, Query
from synthgen.viewer.guard import HEADERS, LOCAL_NAMES, TOKEN_HEADER, Guard

ADDRESS = LOCAL_NAMES[0]
ASSETS = {
    "viewer.js": "text/javascript",
    "mesh.js": "text/javascript",
    "viewer.css": "text/css",
    "icon.svg": "image/svg+xml",
}
MAX_BODY = 1 << 20  # bytes of a POST
MAX_CHANGE = 10_000  # samples marked at once
IDLE_S = 60  # after which an unused connection is closed
JSON_TYPE = "application/json"

Answer = tuple[str, bytes, Mapping[str, str]]  # type, content, further headers
logger = logging.getLogger(__name__)


class Viewer(ThreadingHTTPServer):
    """Serves a desk until it is closed.

    Args:
        desk: what is shown.
        port: to listen on; 0 takes a free one.

    Attributes:
        url: address of the page, with this run's secret.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # browsers open connections by the handful; a full queue costs them a second

    def __init__(self, desk: Desk, port: int) -> None:
        super().__init__((ADDRESS, port), _Handler)
        self.desk, self.guard = desk, Guard()
        self.url = f"http://{ADDRESS}:{self.server_port}/{self.guard.token}/"
        self._thread = Thread(target=self.serve_forever, name="viewer", daemon=True)

    def start(self) -> None:
        """Answer from threads, and let the desk read its shards."""
        self.desk.catalog.start()
        self._thread.start()

    def close(self) -> None:
        """Stop answering and end all threads."""
        if self._thread.ident is not None:
            self.shutdown()
            self._thread.join(10)
        self.server_close()
        self.desk.close()


class _RefusedError(Exception):
    """A request that cannot be answered as asked."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: Viewer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "synthgen", ""
    disable_nagle_algorithm = True
    timeout = IDLE_S

    def do_GET(self) -> None:  # noqa: N802 http.server's name
        """Answer a question."""
        self._answer(self._get)

    def do_POST(self) -> None:  # noqa: N802 http.server's name
        """Make a change."""
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Log to ours, without the path, which holds the secret."""
        logger.debug("view: %s %s", self.command, args[1] if len(args) > 1 else "")

    def _answer(self, make: Callable[[str], Answer]) -> None:
        try:
            kind, content, extra = make(self._asked())
            self._send(HTTPStatus.OK, kind, content, extra)
        except _RefusedError as error:
            self._complain(error.status, str(error))
        except (KeyError, IndexError) as error:
            self._complain(HTTPStatus.NOT_FOUND, str(error.args[0]))
        except (ValueError, OSError) as error:
            self._complain(HTTPStatus.BAD_REQUEST, str(error))

    def _asked(self) -> str:
        """Return the path below the secret, after the checks that all requests undergo."""
        guard = self.server.guard
        if not guard.is_local(self.headers):
            raise _RefusedError(HTTPStatus.MISDIRECTED_REQUEST, f"Host must be one of {LOCAL_NAMES}")
        rest = guard.opened(self.path)
        if rest is None:
            words = "open the address that pipeline=view printed, with its secret"
            raise _RefusedError(HTTPStatus.FORBIDDEN, words)
        return rest

    def _get(self, rest: str) -> Answer:
        path, query = urlsplit(rest).path, parse_qs(urlsplit(rest).query, keep_blank_values=True)
        if path == "":
            return "text/html", _page(self.server.guard.token, self.server.desk.name), {}
        if path in ASSETS:
            return ASSETS[path], _asset(path), {}
        with self.server.desk.catalog.answering():
            return _data(self.server.desk, path, {name: values[-1] for name, values in query.items()})

    def _post(self, rest: str) -> Answer:
        if not self.server.guard.may_change(self.headers):
            raise _RefusedError(HTTPStatus.FORBIDDEN, f"changes need {TOKEN_HEADER} and our own origin")
        if (self.headers.get("Content-Type") or "").partition(";")[0].strip() != JSON_TYPE:
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a change must be {JSON_TYPE}")
        length = self.headers.get("Content-Length") or ""
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a change has at most {MAX_BODY} bytes")
        record = decode_json(self.rfile.read(int(length)))
        if rest != "api/bad":
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing to change here")
        return _json(self.server.desk.change(*_change(record)))

    def _complain(self, status: HTTPStatus, words: str) -> None:
        if self.command == "POST":
            self.close_connection = True  # what was sent may not have been read
        self._send(status, *_json({"error": words.encode("utf-8", "replace").decode()}))

    def _send(self, status: HTTPStatus, kind: str, content: bytes, extra: Mapping[str, str]) -> None:
        self.send_response(status)
        is_text = kind.startswith("text/")
        for name, value in {
            **HEADERS,
            "Content-Type": f"{kind}; charset=utf-8" if is_text else kind,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            **extra,
        }.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):  # the page was left
            self.close_connection = True


def _data(desk: Desk, path: str, query: Mapping[str, str]) -> Answer:
    """Answer a question about the shards."""
    kept = {"Cache-Control": "private, max-age=600"}
    match path.split("/"):
        case ["api", name]:
            return _json(_ask(desk, name, query))
        case ["picture", number]:
            return *desk.picture(_number(number)), kept
        case ["layer", name, number] if name in LAYERS:
            return *desk.layer(_number(number), name), kept
        case ["rejected", number]:
            return "image/jpeg", desk.rejects.picture(_number(number)), kept
        case ["meshes", numbers]:
            return _meshes(desk, [_number(one) for one in numbers.split(",")[:MAX_PAGE]])
        case ["faces", name]:
            return "application/octet-stream", desk.meshes.faces(name), kept
    raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")


def _ask(desk: Desk, name: str, query: Mapping[str, str]) -> Any:
    match name:
        case "state":
            return desk.state()
        case "reasons":
            return desk.reasons()
        case "page":
            return desk.page(_query(query))
        case "sheet":
            return desk.sheet(_query(query))
        case "rejected":
            return desk.rejected_page(_query(query))
        case "views":
            return {"views": desk.views(_number(query.get("position", "")))}
    raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")


def _change(record: Mapping[str, Any]) -> tuple[list[int], bool]:
    """Return positions and mark of a change."""
    positions, is_bad = record.get("positions"), record.get("bad")
    if not isinstance(positions, list) or not isinstance(is_bad, bool):
        raise ValueError(f"expected positions and bad, got {dict(record)!r:.60}")
    if not 0 < len(positions) <= MAX_CHANGE:
        raise ValueError(f"positions must be 1 to {MAX_CHANGE}, got {len(positions)}")
    if any(type(one) is not int for one in positions):
        raise ValueError(f"positions must be whole numbers, got {positions!r:.60}")
    return positions, is_bad


def _meshes(desk: Desk, positions: list[int]) -> Answer:
    """Return the length of a JSON text in 4 bytes, the text, and the vertices of the bodies that it lists."""
    rows: list[dict[str, Any]] = []
    vertices = []
    for position, one in zip(positions, desk.posed(positions), strict=True):
        if isinstance(one, str):
            rows.append({"position": position, "problem": one})
        else:
            size = len(one.vertices)
            rows.append({"position": position, "body": one.body, "people": one.people, "bytes": size})
            vertices.append(one.vertices)
    text = json.dumps(rows).encode()
    text += b" " * (-len(text) % 4)  # so that the numbers behind it are aligned
    packed = b"".join([len(text).to_bytes(4, "little"), text, *vertices])
    return "application/octet-stream", packed, {}


def _query(query: Mapping[str, str]) -> Query:
    order, lacks = query.get("order", ""), query.get("lacks", "")
    if order not in ("", "asc", "desc") or lacks not in ("", *LABELS):
        raise ValueError("order must be asc or desc, lacks one of " + ", ".join(LABELS))
    return Query(
        choice=Choice(
            family=query.get("family", ""),
            score=query.get("score", ""),
            low=_limit(query.get("low", ""), -math.inf),
            high=_limit(query.get("high", ""), math.inf),
            order="asc" if order == "asc" else "desc" if order == "desc" else "",
            lacks=lacks,
            words=query.get("words", ""),
        ),
        start=_number(query.get("start", "0")),
        count=min(_number(query.get("count", "24")), MAX_PAGE),
        is_marked=query.get("marked") == "1",
        stage=query.get("stage", ""),
        reason=query.get("reason", ""),
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ValueError(f"expected a whole number, got {text[:40]!r}")
    return int(text)


def _limit(text: str, default: float) -> float:
    if not text.strip():
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"expected a number, got {text[:40]!r}") from error
    if math.isnan(value):
        raise ValueError("expected a number, got nan")
    return value


def _json(value: Any) -> Answer:
    return JSON_TYPE, json.dumps(value, allow_nan=False).encode(), {}


def _asset(name: str) -> bytes:
    return resources.files("synthgen.viewer.templates").joinpath(name).read_bytes()


def _page(token: str, name: str) -> bytes:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    engine = Environment(loader=PackageLoader("synthgen.viewer"), autoescape=True, undefined=StrictUndefined)
    text = engine.get_template("viewer.html").render(token=token, name=name)
    return text.encode("utf-8", "replace")
