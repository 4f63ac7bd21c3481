import numpy as np

from synthgen.stages.silhouettes import box_of_mask, iou, matched, without_specks


def mask(*boxes: tuple[int, int, int, int], size: int = 20) -> np.ndarray:
    found = np.zeros((size, size), bool)
    for left, top, right, bottom in boxes:
        found[top : bottom + 1, left : right + 1] = True
    return found


def test_the_box_of_a_mask_takes_in_its_last_row_and_column():
    assert box_of_mask(mask((2, 1, 6, 4))).tolist() == [2, 1, 6, 4]


def test_overlap_of_masks():
    assert iou(mask((0, 0, 9, 9)), mask((0, 0, 9, 9))) == 1
    assert iou(mask((0, 0, 9, 9)), mask((10, 10, 19, 19))) == 0
    assert iou(mask((0, 0, 9, 9)), mask((0, 0, 9, 4))) == 0.5
    assert iou(mask(), mask()) == 1


def test_specks_go_and_cut_off_limbs_stay():
    body, limb, speck = (0, 0, 9, 9), (12, 0, 14, 4), (18, 18, 18, 18)
    kept = without_specks(mask(body, limb, speck), 0.05)
    assert (kept == mask(body, limb)).all()
    assert (without_specks(mask(speck), 0.05) == mask(speck)).all()


def test_each_body_is_matched_with_one_mask_so_that_all_fit_best():
    left, right = mask((0, 0, 9, 19)), mask((10, 0, 19, 19))
    np.testing.assert_allclose(matched(np.stack([left, right]), np.stack([right, left])), [1, 1])
    np.testing.assert_allclose(matched(np.stack([left, right]), left[None]), [1, 0])
    np.testing.assert_allclose(matched(left[None], np.zeros((0, 20, 20), bool)), [0])
    # both overlap most with the same mask, which goes to the one that needs it more
    whole = left | right
    np.testing.assert_allclose(matched(np.stack([left, right]), np.stack([whole, left])), [1, 0.5])
