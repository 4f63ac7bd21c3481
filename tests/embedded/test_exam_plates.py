import io

import numpy as np
from PIL import Image

from synthgen.embedded.exam import plates


def test_cells_lie_in_lines_with_room_for_words():
    cells = [np.full((20, 30, 3), 40 * n, np.uint8) for n in range(5)]
    page = plates.plate(cells, ["a"] * 5, 3)
    step = 30 + plates.GAP, 20 + plates.WORDS + plates.GAP
    assert page.shape == (2 * step[1] + plates.GAP, 3 * step[0] + plates.GAP, 3)
    for n, cell in enumerate(cells):
        y, x = plates.GAP + n // 3 * step[1], plates.GAP + n % 3 * step[0]
        assert np.array_equal(page[y : y + 20, x : x + 30], cell)


def test_long_words_stay_below_their_cell():
    cells = [np.zeros((20, 30, 3), np.uint8)] * 2
    short, long = (plates.plate(cells, [text, ""], 2) for text in ("", "many words that do not fit"))
    right = plates.GAP + 30 + 1
    assert not np.array_equal(short, long)
    assert np.array_equal(short[:, right:], long[:, right:])


def test_shown_ones_are_spread_evenly():
    assert plates.spread(24, 3) == [4, 12, 20]
    assert plates.spread(2, 16) == [0, 1]


def test_files_keep_below_their_limit(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    plates.write(tmp_path / "noise.jpg", noise)
    assert (tmp_path / "noise.jpg").stat().st_size <= plates.MOST_BYTES
    flat = np.full((60, 60, 3), 130, np.uint8)
    plates.write(tmp_path / "flat.jpg", flat)
    again = np.asarray(Image.open(io.BytesIO((tmp_path / "flat.jpg").read_bytes())))
    assert np.abs(again.astype(int) - flat).max() <= 2
