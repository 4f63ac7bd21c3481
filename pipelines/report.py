"""Write what is in shards as pictures and charts: report.html of a run, quality.html of any data set.

    python -m synthgen.run pipeline=report path=shards/ski

report.html tells how a run went: pictures, label statistics, rejections, rates, config. It can be written at
any time: while a run goes on, after it broke off, when done. quality.html tells how good the data are, also
those of ingested data sets: labels, coverage of poses, cameras, near doubles, hard samples, overlays.
Paths are local or fsspec URLs.
"""

import sys
from dataclasses import dataclass, field
from typing import Literal

from synthgen.report import Options, write_report

OPEN = "open"


@dataclass(frozen=True)
class Config:
    """Keys of the report.

    Attributes:
        path: run folder, or shards of real pictures, local or an fsspec URL.
        num_pictures: pictures on the contact sheet, spread evenly over the run, 0 to 200.
        max_samples: labels that the statistics read; of a larger run, evenly spread shards.
        body: "open", the path of an SMPL file, or "" for the body of the run's config.
        bodies: SMPL files of gendered bodies, by name: {smpl_male: path, smpl_female: path}.
        renderer: draws the overlays: auto, warp or pyrender.
        quality: write quality.html, too.
        quality_samples: samples that quality.html looks at, spread evenly, and poses it compares.
        reference: shards whose poses these are held against; "" compares them with each other.
        num_hard: hard samples that it shows.
    """

    path: str = ""
    num_pictures: int = 48
    max_samples: int = 50_000
    body: str = ""
    bodies: dict[str, str] = field(default_factory=dict)
    renderer: Literal["auto", "pyrender", "warp"] = "auto"
    quality: bool = True
    quality_samples: int = 5000
    reference: str = ""
    num_hard: int = 12

    def problems(self) -> list[str]:
        """Return what is wrong with these options."""
        found = [] if self.path else ["path: say which run folder to report on, path=shards/<run>"]
        for name, least, most in (
            ("num_pictures", 0, 200),
            ("num_hard", 0, 200),
            ("quality_samples", 2, 20_000),
        ):
            if not least <= getattr(self, name) <= most:
                found.append(f"{name} must be in [{least}, {most}], got {getattr(self, name)}")
        if self.max_samples < 1:
            found.append(f"max_samples must be at least 1, got {self.max_samples}")
        return found


def main(config: Config) -> int:
    """Write the reports and say where they are."""
    from synthgen.dataset_report.intake import is_generated

    generated = is_generated(config.path)
    if generated is not False and not config.path.endswith(".tar"):
        options = Options(config.num_pictures, config.max_samples, config.body, config.renderer)
        print(write_report(config.path, options))
    if config.quality and generated is not None:
        print(_write_quality(config))
    return 0


def _write_quality(config: Config) -> str:
    from tqdm import tqdm

    from synthgen.dataset_report.page import Options as Quality
    from synthgen.dataset_report.page import write_quality_report

    files = {**({"smpl": config.body} if config.body not in ("", OPEN) else {}), **config.bodies}
    options = Quality(
        num_pictures=config.num_pictures,
        num_hard=config.num_hard,
        max_samples=config.quality_samples,
        max_poses=config.quality_samples,
        reference=config.reference,
        files=files,
        renderer=config.renderer,
    )
    with tqdm(unit=" samples", desc="quality", leave=False, disable=not sys.stderr.isatty()) as bar:
        return write_quality_report(config.path, options, bar.update)
