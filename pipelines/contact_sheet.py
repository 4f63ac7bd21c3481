"""Draw some samples of a run as one picture: each as it is, with its SMPL mesh and skeleton, and as depth.

    python -m synthgen.run pipeline=contact_sheet path=shards/ski

Writes contact_sheet.jpg into the run's folder. Samples are spread evenly over the run.
"""

import io
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Config:
    """Keys of the contact sheet.

    Attributes:
        path: run folder, local or an fsspec URL.
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
    from synthgen.body import load_body
    from synthgen.render import make_renderer, resolve_renderer
    from synthgen.report.contact_sheet import contact_sheet
    from synthgen.shards import read_samples, summarize
    from synthgen.shards.shard import SHEET_NAME

    total = summarize(config.path).accepted
    count = min(config.num_pictures, total)
    shown = {(2 * place + 1) * total // (2 * count) for place in range(count)}
    samples = [one for position, one in enumerate(read_samples(config.path)) if position in shown]
    renderer = make_renderer(resolve_renderer(config.renderer))
    sheet = contact_sheet(samples, load_body(config.body), renderer, min(config.columns, max(count, 1)))
    encoded = io.BytesIO()
    Image.fromarray(sheet).save(encoded, "JPEG", quality=88)
    url = storage.join(config.path, SHEET_NAME)
    storage.write_bytes(url, encoded.getvalue())
    print(url)
    return 0
