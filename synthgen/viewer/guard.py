"""Who may ask: only this machine, by the address that the command printed; changes only from our own page.

The address holds a secret of this run, so that other users of the machine and other pages in the browser
cannot guess it. The Host header must name this machine, which stops pages that point a name of their own at
127.0.0.1. Changes must carry the secret in a header, too, which no page of another origin can send without
being asked for.
"""

import hmac
import secrets
from typing import Protocol

LOCAL_NAMES = ("127.0.0.1", "localhost")
TOKEN_HEADER = "X-Synthgen-Token"
TOKEN_BYTES = 18
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Headers(Protocol):
    """Headers of a request, whatever the case of their names."""

    def get(self, name: str, /) -> str | None:
        """Return the value of a header, or None."""


class Guard:
    """Checks requests of one run of the viewer.

    Attributes:
        token: the secret.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(TOKEN_BYTES)

    def is_local(self, headers: Headers) -> bool:
        """Tell whether the Host header names this machine; a forwarded port may be another."""
        name, colon, port = (headers.get("Host") or "").strip().lower().partition(":")
        return name in LOCAL_NAMES and (not colon or port.isdecimal())

    def opened(self, path: str) -> str | None:
        """Return what is asked for below the secret part of a path; None where that is wrong."""
        token, slash, rest = path.removeprefix("/").partition("/")
        return rest if slash and self._is_token(token) else None

    def may_change(self, headers: Headers) -> bool:
        """Tell whether a POST comes from our own page."""
        origin = headers.get("Origin")
        is_own = origin is None or origin.lower() == f"http://{(headers.get('Host') or '').strip().lower()}"
        return is_own and self._is_token(headers.get(TOKEN_HEADER) or "")

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "surrogateescape"), self.token.encode())
