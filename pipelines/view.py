"""Look through samples in the browser: pictures, labels, bodies to turn, filters; mark bad ones.

    python -m synthgen.run pipeline=view path=shards/ski

Serves this machine alone, at an address with a secret that it prints; Ctrl-C ends it. Marks go into a list
beside the shards, bad.txt, one key a line, which pipeline=export (bad=) and training sources (exclude:) leave
out. On another machine, forward the port: ssh -L 8711:127.0.0.1:8711 there.
"""

import errno
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from synthgen import interrupts

if TYPE_CHECKING:
    from synthgen.viewer.server import Viewer

say = partial(print, flush=True)
LAST_PORT = 65535
WAIT_S = 3600.0


@dataclass(frozen=True)
class Config:
    """Keys of the viewer.

    Attributes:
        path: run folder or one tar, of generated samples or of real pictures; local path or fsspec URL.
        port: to listen on, on 127.0.0.1; 0 takes a free one.
        bad: file of the marks; "" for bad.txt beside the shards.
        body: SMPL file, for shards whose body is smpl; the open body needs none.
        bodies: SMPL files of gendered bodies, by name: {smpl_male: path, smpl_female: path}.
        open: also open the page in this machine's browser.
    """

    path: str = ""
    port: int = 8711
    bad: str = ""
    body: str = ""
    bodies: dict[str, str] = field(default_factory=dict)
    open: bool = False

    def problems(self) -> list[str]:
        """Return what is wrong with these options."""
        found = [] if self.path else ["path: say which shards to view, path=shards/<run>"]
        if not 0 <= self.port <= LAST_PORT:
            found.append(f"port must be in [0, {LAST_PORT}], got {self.port}")
        return found


def main(config: Config) -> int:
    """Serve until somebody presses Ctrl-C."""
    import time

    viewer = make_viewer(config)
    try:
        with interrupts.raised():
            viewer.start()
            say(f"open {viewer.url}")
            say(f"marks go to {viewer.desk.marks.path}; Ctrl-C ends the viewer")
            if config.open:
                _open_browser(viewer.url)
            while True:
                time.sleep(WAIT_S)
    except interrupts.Interrupted:
        say("\nviewer closed")
        return 0
    finally:
        viewer.close()


def make_viewer(config: Config) -> "Viewer":
    """Return the viewer, listening but not yet answering.

    Raises:
        ValueError: there are no shards, or the port is taken.
    """
    from synthgen.viewer.desk import Desk
    from synthgen.viewer.server import Viewer

    files = {**({"smpl": config.body} if config.body and config.body != "open" else {}), **config.bodies}
    desk = Desk(config.path, config.bad, files)
    try:
        return Viewer(desk, config.port)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ValueError(f"port {config.port}: {error.strerror}; port=0 takes a free one") from error


def _open_browser(url: str) -> None:
    import webbrowser

    webbrowser.open(url)
