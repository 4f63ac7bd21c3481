import subprocess
import sys

import numpy as np

from synthgen.bench.memory import most_held

ASK = [sys.executable, "-c", "from synthgen.bench.memory import most_held; print(most_held())"]


def test_the_peak_is_of_this_process_alone() -> None:
    before = most_held()
    large = np.ones(300 << 20, np.uint8)
    assert most_held() - before > 200 << 20
    del large
    assert most_held() - before > 200 << 20, "a peak stays"
    answer = subprocess.run(ASK, capture_output=True, text=True, check=True)
    assert 1 << 20 < int(answer.stdout) < 150 << 20, "nor does a process inherit one"
