import numpy as np
import pytest
from fake_models import known, standing

from synthgen.guide import Picture, assumed_camera


def test_the_assumed_camera_has_its_field_of_view():
    camera = assumed_camera((90, 120), 90.0)
    assert camera.cam_int[0, 0] == camera.cam_int[1, 1] == pytest.approx(45.0)
    assert camera.image_size == (90, 120)


def test_pictures_and_masks_have_the_size_of_the_camera():
    with pytest.raises(
        ValueError, match=r"Picture.image must be \(90, 120, 3\) uint8 .*, got \(120, 90, 3\)"
    ):
        Picture("a person", np.zeros((120, 90, 3), np.uint8), assumed_camera((90, 120), 40.0))
    with pytest.raises(ValueError, match=r"Bodies.things must be \(O, 64, 64\) bool, got \(64, 64\)"):
        known([standing()], things=np.zeros((64, 64), bool))
    with pytest.raises(ValueError, match=r"Bodies.figures must be \(64, 64\) bool, got \(1, 64, 64\)"):
        known([standing()], figures=np.zeros((1, 64, 64), bool))
    with pytest.raises(ValueError, match=r"Bodies.figures must be .* got \(64, 64\) uint8"):
        known([standing()], figures=np.zeros((64, 64), np.uint8))


def test_everybody_has_a_family_and_an_action():
    with pytest.raises(ValueError, match=r"1 people but 2 families and 1 actions"):
        bodies = known([standing()])
        type(bodies)(**{**vars(bodies), "families": ("ski", "ski")})
