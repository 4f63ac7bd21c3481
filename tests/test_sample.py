"""The types refuse what is not whole, and say what was wrong."""

from dataclasses import replace

import numpy as np
import pytest

from synthgen.geometry import intrinsics
from synthgen.sample import Camera, Person, Request, Scene

REQUEST = Request("ski-000000001", 1, 7, "a photo of a skier", "", "render")
PERSON = Person(np.zeros(3), np.zeros((23, 3)), np.zeros(10), np.array([0, 0, 3.0]))


def test_request_keys_cannot_break_a_tar():
    for key in ("", "a.b", "a/b", "a\\b"):
        with pytest.raises(ValueError, match=r"Request\.key must be"):
            replace(REQUEST, key=key)


def test_request_refuses_an_unknown_guide_and_a_negative_seed():
    with pytest.raises(ValueError, match="guide must be one of .*'render'.*got 'magic'"):
        replace(REQUEST, guide="magic")
    with pytest.raises(ValueError, match="index and seed must be >= 0"):
        replace(REQUEST, seed=-1)


def test_person_checks_shapes_and_numbers():
    with pytest.raises(ValueError, match=r"Person.betas must have shape \(10,\), got \(16,\)"):
        replace(PERSON, betas=np.zeros(16))
    with pytest.raises(ValueError, match="Person.transl must be finite, got 1 NaN or inf"):
        replace(PERSON, transl=np.array([0, 0, np.nan]))


def test_scene_needs_a_person_and_a_camera_that_sees():
    camera = Camera(intrinsics(100.0, (64, 64)), (64, 64))
    with pytest.raises(ValueError, match=r"Scene\.people must hold 1 to 254 people, got 0"):
        Scene(camera, (), "open")
    with pytest.raises(ValueError, match="focal length must be positive"):
        Camera(np.zeros((3, 3)), (64, 64))
