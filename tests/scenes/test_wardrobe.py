"""Where clothes end on the body, what they look like, and whether words about them are true."""

import numpy as np
import pytest

from synthgen.scenes import garments, heads
from synthgen.scenes.body_map import BodyMap
from synthgen.scenes.garments import Canvas
from synthgen.scenes.palette import NAMED, color_name
from synthgen.scenes.poses import FAMILIES
from synthgen.scenes.wardrobe import Outfit, draw_outfit
from synthgen.surface import Material

SKIN, RED, BLUE = Material((0.8, 0.6, 0.5)), Material((0.8, 0.1, 0.1)), Material((0.1, 0.1, 0.8))


def face_of(body_map: BodyMap, place) -> int:
    return int(np.linalg.norm(body_map.center - place, axis=1).argmin())


def test_body_coordinates_pass_the_joints_at_whole_numbers(body_map):
    for joint, arm in (("shoulder", 0), ("elbow", 1), ("wrist", 2)):
        near = np.abs(body_map.vertices[:, 0] - body_map.points[f"left_{joint}"][0]) < 0.01
        assert np.abs(body_map.arm[near] - arm).max() < 0.15
    for joint, leg in (("hip", 0), ("knee", 1), ("ankle", 2)):
        near = np.abs(body_map.vertices[:, 1] - body_map.points[f"left_{joint}"][1]) < 0.01
        assert np.abs(body_map.leg[near] - leg).max() < 0.15
    assert body_map.leg.max() == 3
    assert body_map.arm.max() == 3
    assert body_map.trunk[np.abs(body_map.vertices[:, 0]) < 0.01].min() < 0.05


def test_soles_are_under_the_heels(body_map):
    for side, vertices in body_map.soles.items():
        assert len(vertices) > 20
        heel = body_map.points[f"{side}_heel"]
        assert np.linalg.norm(body_map.vertices[vertices] - heel, axis=1).min() < 0.06
        assert (np.sign(body_map.vertices[vertices, 0]) == np.sign(heel[0])).all()


def test_shirts_cover_the_trunk_and_leave_hands_and_head(body_map):
    canvas = Canvas(body_map, [SKIN])
    canvas.paint(garments.top(body_map, 0.6), RED, 1.0)
    covered = canvas.face_material == 1
    points = body_map.points
    for name in ("spine2", "spine3"):
        assert covered[face_of(body_map, points[name] + (0, 0, 0.12))]
    for name in ("left_elbow", "right_hand", "head_top", "left_knee", "nose"):
        assert not covered[face_of(body_map, points[name])]
    upper = 0.7 * points["left_shoulder"] + 0.3 * points["left_elbow"]
    assert covered[face_of(body_map, upper + (0, 0.05, 0))]


@pytest.mark.parametrize("sleeve", [0.37, 0.6, 1.23])
def test_hems_are_straight_however_coarse_the_faces(body_map, sleeve):
    canvas = Canvas(body_map, [SKIN])
    canvas.paint(garments.top(body_map, sleeve), RED)
    slid = body_map.vertices + canvas.slide
    covered = canvas.face_material == 1
    first, second = body_map.points["left_shoulder"][0], body_map.points["left_elbow"][0]
    third = body_map.points["left_wrist"][0]
    hem = float(np.interp(sleeve, [0, 1, 2], [first, second, third]))
    on_arm = np.abs(slid[:, 0]) > 1.1 * first
    inside = np.unique(body_map.faces[covered])
    outside = np.unique(body_map.faces[~covered])
    assert np.abs(slid[inside[on_arm[inside]], 0]).max() < hem + 0.002
    assert np.abs(slid[outside[on_arm[outside]], 0]).min() > hem - 0.002
    assert np.linalg.norm(canvas.slide, axis=1).max() < 0.05


def test_later_layers_cover_earlier_ones_and_thickness_adds_up_to_the_thickest(body_map):
    canvas = Canvas(body_map, [SKIN])
    canvas.paint(garments.bottom(body_map, 1.9), RED, 2.0)
    canvas.paint(garments.leg_band(body_map, 1.0), BLUE, 1.0)
    shin = int(np.argmin(np.abs(body_map.leg - 1.5)))
    touching = (body_map.faces == shin).any(1)
    assert (canvas.face_material[touching] == canvas.materials.index(BLUE)).all()
    assert canvas.thickness[shin] == pytest.approx(0.02)
    assert canvas.thickness[body_map.arm > 0.5].max() == 0
    np.testing.assert_allclose(canvas.push[shin], 0.02 * body_map.normals[shin] + canvas.slide[shin])


def test_cuts_combine(body_map):
    shirt, legs = garments.top(body_map, 0.6), garments.bottom(body_map, 1.0)
    np.testing.assert_array_equal(garments.either(shirt, legs) < 0, (shirt < 0) | (legs < 0))
    np.testing.assert_array_equal(garments.both(shirt, legs) < 0, (shirt < 0) & (legs < 0))


def test_faces_look_forward(body_map):
    canvas = Canvas(body_map, [SKIN])
    heads.paint_face(canvas, (0.8, 0.6, 0.5), (0.1, 0.1, 0.1), np.random.default_rng(0))
    painted = body_map.center[canvas.face_material > 0]
    assert len(painted) > 40
    assert painted[:, 2].min() > body_map.points["left_ear"][2]
    assert abs(painted[:, 0].mean()) < 0.01


def test_hair_leaves_the_face_free(body_map):
    for style in heads.HAIR_STYLES:
        canvas = Canvas(body_map, [SKIN])
        heads.draw_hair(canvas, style, (0.2, 0.1, 0.1))
        for name in ("nose", "left_eye", "right_eye"):
            assert canvas.face_material[face_of(body_map, body_map.points[name])] == 0, style
        crown = canvas.face_material[face_of(body_map, body_map.points["head_top"])]
        assert (crown == 0) == (style == "bald")


def outfits(body_map: BodyMap, family: str, count: int) -> list[Outfit]:
    return [draw_outfit(body_map, family, 0.5, np.random.default_rng([seed, 3])) for seed in range(count)]


@pytest.mark.parametrize("family", FAMILIES)
def test_outfits_are_valid_varied_and_repeat(body_map, family):
    drawn = outfits(body_map, family, 12)
    again = outfits(body_map, family, 12)
    for first, second in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(first.face_material, second.face_material)
        np.testing.assert_array_equal(first.push, second.push)
        assert first.pieces == second.pieces
        assert first.face_material.max() < len(first.materials)
        assert np.linalg.norm(first.push, axis=1).max() < 0.07
        assert first.pieces
        assert first.who in ("woman", "man", "person")
    assert len({outfit.pieces for outfit in drawn}) > 8
    assert len({outfit.materials[0] for outfit in drawn}) == 12


@pytest.mark.parametrize("family", FAMILIES)
def test_words_name_the_colors_that_are_worn(body_map, family):
    """The first phrase tells the colour of a large part of the clothes."""
    for outfit in outfits(body_map, family, 15):
        worn = {color_name(outfit.materials[m].color) for m in np.unique(outfit.face_material)}
        named = [word for piece in outfit.pieces for word in piece.words.split() if word in NAMED]
        assert named
        assert set(named) <= worn, (outfit.pieces, worn)
        assert not any(piece.words.startswith("a o") for piece in outfit.pieces)


def test_swimmers_show_more_skin_than_skiers(body_map):
    def bare(family: str) -> float:
        return float(np.mean([(outfit.face_material == 0).mean() for outfit in outfits(body_map, family, 8)]))

    assert bare("diving") > 0.4
    assert bare("ski") < 0.25
