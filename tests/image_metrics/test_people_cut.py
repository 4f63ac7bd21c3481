"""Only the people of a picture are kept, in the paper's two ways."""

import numpy as np
import pytest

from synthgen.image_metrics.people import cut_out, masks_to_frame, people_only, to_frame

FRAME = np.random.default_rng(0).integers(1, 256, (299, 299, 3)).astype(np.uint8)


def boxes(*corners: tuple[int, int, int, int]) -> np.ndarray:
    masks = np.zeros((len(corners), 299, 299), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, corners, strict=True):
        mask[y0:y1, x0:x1] = True
    return masks


def test_picture_keeps_everybody_in_place_and_blackens_the_rest():
    masks = boxes((10, 20, 50, 90), (40, 60, 80, 100))
    cut = people_only(FRAME, masks, "picture")
    everybody = masks.any(0)
    assert (cut[everybody] == FRAME[everybody]).all() and not cut[~everybody].any()


def test_picture_of_nobody_is_black_and_person_of_nobody_is_left_out():
    nobody = np.zeros((0, 299, 299), bool)
    black = people_only(FRAME, nobody, "picture")
    assert black.shape == FRAME.shape and not black.any()
    assert people_only(FRAME, nobody, "person") is None
    assert people_only(FRAME, boxes((5, 5, 5, 5)), "person") is None, "an empty mask is nobody"


def test_person_is_the_first_who_is_there_in_a_square_about_it():
    cut = people_only(FRAME, boxes((0, 0, 0, 0), (100, 50, 140, 150), (0, 0, 299, 299)), "person")
    assert cut.shape == (100, 100, 3)
    assert (cut[:, 30:70] == FRAME[50:150, 100:140]).all()
    assert not cut[:, :30].any() and not cut[:, 70:].any()


def test_a_square_that_leaves_the_picture_is_black_there():
    cut = people_only(FRAME, boxes((0, 0, 20, 101)), "person")
    assert cut.shape == (101, 101, 3) and (cut[:, 40:60] == FRAME[:101, :20]).all()
    assert not cut[:, :40].any()
    with pytest.raises(ValueError, match=r"lies outside of the picture \(299x299\)"):
        cut_out(FRAME, (299, 0), 50)


def test_pictures_and_masks_come_to_the_networks_size_together():
    picture = np.zeros((60, 40, 3), np.uint8)
    masks = np.zeros((1, 60, 40), bool)
    picture[20:40, 10:30], masks[0, 20:40, 10:30] = 200, True
    frame, framed = to_frame(picture), masks_to_frame(masks)
    assert frame.shape == (299, 299, 3) and framed.shape == (1, 299, 299)
    assert np.mean((frame[..., 0] > 100) == framed[0]) > 0.99
    assert to_frame(FRAME) is FRAME and masks_to_frame(masks[:0]).shape == (0, 299, 299)
