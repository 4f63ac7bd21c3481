"""Draw some samples as one picture: each as it is, with its SMPL mesh and skeleton, and as depth.

    python -m synthgen.run pipeline=contact_sheet path=shards/ski

Writes contact_sheet.jpg beside the shards: those of a run, or of real pictures, which have no depth. Samples
are spread evenly over them.
"""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Config:
    """Keys of the contact sheet.

    Attributes:
        path: run folder, or shards of real pictures, local or an fsspec URL.
        num_pictures: samples to show, 1 to 200.
        columns: samples side by side, 1 to 8.
        body: "open", or the path of the SMPL file that the run was made with.
        renderer: draws the meshes: auto, warp or pyrender.
    """

    path: str = ""
    num_pictures: int = 8
    columns: int = 2
    body: str = "open"
    renderer: Literal["auto", "pyrender", "warp"] = "auto"

    def problems(self) -> list[str]:
        """Return what is wrong with these options."""
        found = [] if self.path else ["path: say which run folder to show, path=shards/<run>"]
        for name, most in (("num_pictures", 200), ("columns", 8)):
            if not 1 <= getattr(self, name) <= most:
                found.append(f"{name} must be in [1, {most}], got {getattr(self, name)}")
        return found


def main(config: Config) -> int:
    """Write the sheet and say where it is."""
    from PIL import Image

    from synthgen import storage
    from synthgen.dataset_report.intake import is_generated
    from synthgen.shards.shard import SHEET_NAME

    sheet = _real(config) if is_generated(config.path) is False else _generated(config)
    encoded = io.BytesIO()
    Image.fromarray(sheet).save(encoded, "JPEG", quality=88)
    url = storage.join(config.path, SHEET_NAME)
    storage.write_bytes(url, encoded.getvalue())
    print(url)
    return 0


def _generated(config: Config) -> "NDArray[np.uint8]":
    from synthgen.body import load_body
    from synthgen.render import make_renderer, resolve_renderer
    from synthgen.report.contact_sheet import contact_sheet
    from synthgen.shards import read_samples, summarize

    total = summarize(config.path).accepted
    count = min(config.num_pictures, total)
    shown = {(2 * place + 1) * total // (2 * count) for place in range(count)}
    samples = [one for position, one in enumerate(read_samples(config.path)) if position in shown]
    renderer = make_renderer(resolve_renderer(config.renderer))
    return contact_sheet(samples, load_body(config.body), renderer, min(config.columns, max(count, 1)))


def _real(config: Config) -> "NDArray[np.uint8]":
    from synthgen.body import load_body
    from synthgen.dataset_report.cards import Artist
    from synthgen.dataset_report.intake import Shelf, spread
    from synthgen.dataset_report.sheet import observation_sheet
    from synthgen.render import make_renderer, resolve_renderer

    bodies = [load_body("open"), *([load_body(config.body)] if config.body != "open" else [])]
    artist = Artist({body.name: body for body in bodies}, make_renderer(resolve_renderer(config.renderer)))
    shelf = Shelf(config.path)
    pictures = [shelf.picture(position) for position in spread(len(shelf), config.num_pictures)]
    return observation_sheet(pictures, artist, min(config.columns, max(len(pictures), 1)))
