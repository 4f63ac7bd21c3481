"""Folders of models with hardly any weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np


def write_weights(path: Path, count: int = 10) -> Path:
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"layer.weight": np.zeros(count, np.float32)}, path)
    return path


def write_config(folder: Path, **values: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    return folder
