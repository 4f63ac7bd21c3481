"""Batches of diffusion beside a plain loop: measured on small models here, at full size where there is a GPU.

python -m pytest -m gpu -s tests/bench/test_bench_diffusion.py
"""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from real_layouts import Layouts

from synthgen.backends.depth_to_image import DepthToImage
from synthgen.backends.text_to_image import TextToImage
from synthgen.bench.diffusion import measure, told
from synthgen.bench.pace import Pace


def test_both_are_counted_and_timed(tmp_path: Path) -> None:
    layouts = Layouts(tmp_path)
    draft = TextToImage(id=str(layouts.path("sd1")), height=64, width=64, num_inference_steps=2)
    redraw = DepthToImage(id=str(layouts.path("sd2_depth")), num_inference_steps=3)
    found = measure(draft, redraw, 64, 2, "cpu", "float32")
    assert found.ours > 0 and found.plain > 0 and 0 < found.share < 2
    assert found.work > 1e8, "of both networks, all steps and both codings"


def test_the_line_says_what_it_is_about() -> None:
    line = told(Pace(0.5, 2.0, 100e12, 800e12), "cuda", "bfloat16")
    assert "2 pictures/s, one at a time 0.5, ratio 4.00" in line and "25% of the rate" in line


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_paper_s_settings_are_measured_at_full_size(tmp_path: Path, capsys: Any) -> None:
    """SD1.5 and SD2-depth at full size with random weights, 512 px, the preset's steps, bfloat16."""
    layouts = Layouts(tmp_path, full=True)
    draft = TextToImage(id=str(layouts.path("sd1")), height=512, width=512, batch_size=16)
    redraw = DepthToImage(id=str(layouts.path("sd2_depth")), batch_size=16)
    found = measure(draft, redraw, 512, 16, "cuda", "bfloat16")
    with capsys.disabled():
        sys.stdout.write(told(found, torch.cuda.get_device_name(), "bfloat16") + "\n")
    assert found.work > 1e13, "of the full size"
