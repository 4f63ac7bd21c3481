"""Check shards: tars, hashes, reports, members, and that every label fits its picture.

    python -m synthgen.run pipeline=verify path=shards/ski

Prints one line for each problem and ends with exit code 1 if there is any. `path` is a run folder, one tar,
or an fsspec URL of either (s3://bucket/ski).
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from synthgen import storage
from synthgen.config import ConfigError


@dataclass(frozen=True)
class Config:
    """What to check.

    Attributes:
        path: run folder or one tar; local path or fsspec URL.
        body: path of the SMPL file that the shards were made with; "open" needs none.
        max_problems: stop printing after this many lines; the rest is counted.
    """

    path: str
    body: str = "open"
    max_problems: int = 100

    def problems(self) -> list[str]:
        """Return what is out of range."""
        found = []
        if self.body != "open" and not Path(self.body).expanduser().is_file():
            found.append(f"body must be open or an SMPL file, no such file: {self.body!r}")
        if self.max_problems < 1:
            found.append(f"max_problems must be >= 1, got {self.max_problems}")
        return found


def main(config: Config) -> int:
    """Check `config.path` and return the exit code."""
    from synthgen.body import OPEN, load_body
    from synthgen.shards.verify import Verification

    if not storage.exists(config.path):
        raise ConfigError([f"path={config.path}: no such file or folder"])
    is_folder = storage.is_folder(config.path)
    if not is_folder and not config.path.endswith(".tar"):
        raise ConfigError([f"path={config.path}: expected a run folder or a .tar"])
    bodies = {body.name: body for body in map(load_body, {OPEN, config.body})}
    check = Verification(config.path, bodies)
    count = 0
    total = check.expected_samples() or None
    with tqdm(total=total, unit=" samples", leave=False, disable=not sys.stderr.isatty()) as bar:
        check.on_sample = bar.update
        for line in check.problems():
            count += 1
            if count <= config.max_problems:
                bar.write(line, file=sys.stdout)
    for name, unposed in check.unposed.items():
        print(f"note: {unposed} samples of body '{name}' were not posed again; body=FILE gives its file")
    what = f"{check.shards} shards, {check.samples} samples, {check.people} people"
    if count > config.max_problems:
        print(f"… and {count - config.max_problems} more; max_problems={count} prints all")
    print(f"{config.path}: {what}: {f'{count} problems' if count else 'all is well'}")
    return 1 if count else 0
