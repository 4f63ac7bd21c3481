"""Write shards in a format that another trainer reads, and check that it would.

    python -m synthgen.run pipeline=export format=4d_humans path=shards/ski output=exports/ski

Formats: 4d_humans (training tars), 4d_humans_eval and scorehmr_eval (npz), scorehmr_groups (batched pkl of
views or frames), spin and dapa (npz), bedlam and camerahmr (npz), crowdnet and dpmesh (COCO and NeuralAnnot
json), coco (keypoints and masks), human_data (mmhuman3d's npz), hugging_face (parquet with a card). Pictures
are copied byte by byte. The folder appears when all is written and the check has passed; export.json in it
says what it is.
"""

import sys
from dataclasses import dataclass, field
from typing import Any, Literal

from tqdm import tqdm

from synthgen import storage
from synthgen.config import ConfigError


@dataclass(frozen=True)
class Config:
    """What to export, and how.

    Attributes:
        format: one of the formats above.
        path: run folder or one tar, of generated samples or of real pictures; local path or fsspec URL.
        output: folder to make on this machine.
        options: keys of the format, such as padding or masks; see synthgen/exporters.
        name: of the data set; "" for the last part of `path`.
        body: SMPL file of shards whose body is smpl: gives the joints that nobody measured (toes, head top);
            gendered people need SMPL_MALE.pkl and SMPL_FEMALE.pkl beside it.
        bad: file of keys to leave out, one a line or a JSON list; auto for the bad.txt that pipeline=view
            writes beside the shards, where it is there; none.
        betas: smpl_only writes 0 for betas of other bodies than the neutral SMPL; as_stored writes them as
            they are.
        overwrite: replace an earlier export.
        seed: of the order of rows, where a format wants them shuffled.
    """

    format: str
    path: str
    output: str
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    body: str = ""
    bad: str = "auto"
    betas: Literal["smpl_only", "as_stored"] = "smpl_only"
    overwrite: bool = False
    seed: int = 0

    def problems(self) -> list[str]:
        """Return what is wrong, one message each."""
        from synthgen.exporters import build

        return [*build(self.format, self.options)[1], *self.task().problems()]

    def task(self) -> Any:
        """Return what the exporters get."""
        from synthgen.exporters.export import Task

        last = storage.split(self.path)[1].removesuffix(".tar")
        return Task(
            source=self.path,
            output=self.output,
            name=self.name or last,
            body=self.body,
            bad=self.bad,
            betas=self.betas,
            overwrite=self.overwrite,
            seed=self.seed,
        )


def main(config: Config) -> int:
    """Write the export, say what was left out and why, and return the exit code."""
    from synthgen import interrupts
    from synthgen.exporters import build
    from synthgen.exporters.export import export, warnings
    from synthgen.exporters.intake import count_pictures

    if not storage.exists(config.path):
        raise ConfigError([f"path={config.path}: no such file or folder"])
    form = build(config.format, config.options)[0]
    total = count_pictures(config.path)
    try:
        with (
            interrupts.raised(),
            tqdm(total=total, unit=" pictures", leave=False, disable=not sys.stderr.isatty()) as bar,
        ):
            ledger = export(config.task(), form, config.format, bar.update)
    except interrupts.Interrupted as stop:
        print(f"{config.output}: stopped by {stop.name}; nothing was left behind")
        return stop.exit_code
    for line in [*ledger.lines(), *(f"note: {one}" for one in warnings(ledger, config.betas))]:
        print(line)
    print(f"{config.output}: {ledger.pictures} pictures, {ledger.people} people as {config.format}, checked")
    return 0
