"""Write report.html into a run folder: pictures, label statistics, rejections, rates, config.

    python -m synthgen.run pipeline=report path=shards/ski

Works on a local path or any fsspec URL, at any time: while a run goes on, after it broke off, when done.
"""

from dataclasses import dataclass
from typing import Literal

from synthgen.report import Options, write_report


@dataclass(frozen=True)
class Config:
    """Keys of the report.

    Attributes:
        path: run folder, local or an fsspec URL.
        num_pictures: pictures on the contact sheet, spread evenly over the run, 0 to 200.
        max_samples: labels that the statistics read; of a larger run, evenly spread shards.
        body: "open", the path of an SMPL file, or "" for the body of the run's config.
        renderer: draws the overlays: auto, warp or pyrender.
    """

    path: str = ""
    num_pictures: int = 48
    max_samples: int = 50_000
    body: str = ""
    renderer: Literal["auto", "pyrender", "warp"] = "auto"

    def problems(self) -> list[str]:
        """Return what is wrong with these options."""
        found = [] if self.path else ["path: say which run folder to report on, path=shards/<run>"]
        if not 0 <= self.num_pictures <= 200:
            found.append(f"num_pictures must be in [0, 200], got {self.num_pictures}")
        if self.max_samples < 1:
            found.append(f"max_samples must be at least 1, got {self.max_samples}")
        return found


def main(config: Config) -> int:
    """Write the report and say where it is."""
    options = Options(config.num_pictures, config.max_samples, config.body, config.renderer)
    print(write_report(config.path, options))
    return 0
