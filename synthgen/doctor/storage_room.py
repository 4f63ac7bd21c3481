"""Where shards go: can it be written to, and is there room for them."""

import os
import shutil
import tempfile
from pathlib import Path

from synthgen import storage
from synthgen.doctor.finding import Finding
from synthgen.doctor.plan import Plan

# Bytes for each pixel of a sample: picture, draft and maps. Generous: rendered pictures take 0.7 as JPEG of
# quality 95, a draft as much again.
BYTES_PER_PIXEL = {"jpg": 1.6, "png": 3.5}
BYTES_BESIDE = 24_000  # record, tar headers
DEFAULT_SIDE = 1024  # [px] where the size of pictures is not known
MIB, GIB = 1 << 20, 1 << 30
ELSEWHERE = "output=… names another folder or a bucket (s3://bucket/folder)"


def sample_bytes(plan: Plan) -> int:
    """Return about how much a sample takes on the disk."""
    side = plan.image_size or DEFAULT_SIDE
    return (
        int(side * side * BYTES_PER_PIXEL.get(plan.image_format, max(BYTES_PER_PIXEL.values())))
        + BYTES_BESIDE
    )


def examine_output(plan: Plan) -> list[Finding]:
    """See that the output can be written to and holds the samples; nothing is left behind there."""
    needed = plan.num_samples * sample_bytes(plan)
    about = f"{plan.num_samples} samples take about {_size(needed)}"
    if storage.is_remote(plan.output):
        try:
            storage.make_folder(plan.output)
        except storage.StorageError as error:
            return [Finding("FAIL", "output", str(error), ELSEWHERE)]
        return [Finding("ok", "output", f"{plan.output} can be written to; {about}")]
    folder = _existing(storage.join(plan.output, ""))
    problem = _write_problem(folder)
    if problem:
        return [Finding("FAIL", "output", f"{folder} cannot be written to: {problem}", ELSEWHERE)]
    free = shutil.disk_usage(folder).free
    text = f"{folder}: {_size(free)} free; {about}"
    if free < needed:
        return [Finding("FAIL", "output", text, f"free space, lower num_samples, or {ELSEWHERE}")]
    if free < 2 * needed:
        return [Finding("warn", "output", text, f"the disk will be nearly full; {ELSEWHERE}")]
    return [Finding("ok", "output", text)]


def _existing(path: str) -> Path:
    """Return the folder, or the nearest above it that is there: the run makes those below."""
    folder = Path(path).absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def _write_problem(folder: Path) -> str:
    if not folder.is_dir():
        return "it is a file"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return error.strerror or str(error)
    return "" if os.access(folder, os.W_OK | os.X_OK) else "not allowed"


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / MIB:.0f} MiB"
