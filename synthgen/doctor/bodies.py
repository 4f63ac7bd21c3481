"""The body model: an SMPL file where the mesh estimator speaks of SMPL, the open body where it does not."""

from collections.abc import Mapping
from pathlib import Path

from synthgen.body import OPEN, SMPL
from synthgen.doctor.finding import Finding
from synthgen.doctor.plan import Plan

OBTAIN = (
    "register at smpl.is.tue.mpg.de (SMPL for Python) or smplify.is.tue.mpg.de (the neutral "
    "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl), accept the licence (research only, not commercial), and "
    "give body=PATH/SMPL_NEUTRAL.pkl"
)


def examine_body(plan: Plan) -> list[Finding]:
    """See that the body is there and is the one that the mesh estimator's parameters belong to."""
    node = plan.models.get("mesh")
    spoken = str(node.get("body", OPEN)) if isinstance(node, Mapping) else ""
    if plan.body == OPEN:
        if spoken == SMPL:
            text = "is the open body, but models.mesh.body is smpl: its parameters mean another body"
            return [Finding("FAIL", "body", text, OBTAIN)]
        return [Finding("ok", "body", "the open body, which comes with the package")]
    path = Path(plan.body).expanduser()
    if not path.is_file():
        return [Finding("FAIL", "body", f"{plan.body}: no such file", OBTAIN)]
    return [_file_finding(path, spoken)]


def _file_finding(path: Path, spoken: str) -> Finding:
    from synthgen.body_file import read_body_file

    try:
        arrays = read_body_file(path)
    except (OSError, ValueError) as error:
        return Finding("FAIL", "body", str(error).splitlines()[0], OBTAIN)
    name = OPEN if arrays.is_open else SMPL
    if spoken and spoken != name:
        text = f"{path} is the {name} body, but models.mesh.body is {spoken}"
        return Finding(
            "FAIL", "body", text, f"set models.mesh.body={name} if that is true, or another body=…"
        )
    return Finding("ok", "body", f"{path}: {name}, {len(arrays.v_template)} vertices")
