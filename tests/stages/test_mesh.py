import numpy as np
from fake_models import Mesh, Segmenter, camera_of, painted

from synthgen.guide import UNKNOWN, Bodies, Picture
from synthgen.stages.masks import Masking, find_people
from synthgen.stages.mesh import estimate_bodies


def estimated(*prompts: str, estimator: Mesh | None = None):
    images = [painted(prompt, 64, 0) for prompt in prompts]
    pictures = [Picture(prompt, image, camera_of(64)) for prompt, image in zip(prompts, images, strict=True)]
    people = find_people(images, Segmenter(), Masking(max_people=2))
    return estimate_bodies(pictures, people, estimator or Mesh(), "open")


def test_everybody_gets_a_body_in_the_camera_of_the_picture():
    alone, two = estimated("a person, front", "crowd")
    assert isinstance(alone, Bodies) and isinstance(two, Bodies)
    assert (alone.prompt, alone.is_blank, alone.is_in_front) == ("a person, front", False, False)
    assert len(alone.scene.people) == 1 and len(two.scene.people) == 2
    assert alone.scene.body == "open" and two.families == (UNKNOWN, UNKNOWN)
    assert len(alone.things) == 1 and len(two.things) == 0
    sides = sorted(float(person.transl[0]) for person in two.scene.people)
    assert abs(sides[0]) < 0.05 and sides[1] > 0.5, "one in the middle, one to the right"


def test_where_the_picture_shows_people_is_kept():
    """A redraw has to replace the old figures, too, wherever the bodies are."""
    (two,) = estimated("crowd")
    assert two.figures is not None
    assert np.array_equal(two.figures, painted("crowd", 64, 0)[..., 0] == 220)


def test_people_belong_to_the_family_of_their_picture():
    image = painted("a person", 64, 0)
    people = find_people([image], Segmenter(), Masking())
    (bodies,) = estimate_bodies([Picture("a person", image, camera_of(64), "ski")], people, Mesh(), "open")
    assert (bodies.families, bodies.actions) == (("ski",), (UNKNOWN,))


def test_a_body_behind_the_camera_is_turned_away():
    assert estimated("a person", estimator=Mesh(is_behind=True)) == ["body behind the camera"]


def test_the_estimator_is_asked_once_for_all_pictures():
    mesh = Mesh()
    estimated("a person", "crowd", estimator=mesh)
    ((images, boxes, cam_ints),) = mesh.calls
    assert [len(found) for found in boxes] == [1, 2] and len(images) == len(cam_ints) == 2
