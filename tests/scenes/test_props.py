"""Things that stand around, things held, apparatus: where they are relative to ground and body."""

import numpy as np
import pytest

from synthgen.sample import OCCLUDER
from synthgen.scenes import poses
from synthgen.scenes.apparatus import apparatus_for, contact
from synthgen.scenes.figure import Figure
from synthgen.scenes.held import HELD, SIDES, clearance, grip, sole_middle
from synthgen.scenes.keyframes import LIBRARY
from synthgen.scenes.people import Casting, Player
from synthgen.scenes.posing import pose_alone
from synthgen.scenes.things import THINGS, footprint
from synthgen.scenes.venues import VENUES


def player_of(casting: Casting, family: str, action: str, seed: int) -> Player:
    rng = np.random.default_rng([seed, 77])
    return pose_alone(
        casting.player(poses.draw_action(family, action, rng), family, 0.5, 0.0, rng), casting.body
    )


def actions_with(apparatus: str, support: str = "") -> list[tuple[str, str]]:
    return [
        (family, action.name)
        for family, actions in LIBRARY.items()
        for action in actions
        if action.apparatus == apparatus and support in ("", action.support)
    ]


def distance_to(mesh_points: np.ndarray, point: np.ndarray) -> float:
    return float(np.linalg.norm(mesh_points - point, axis=1).min())


@pytest.mark.parametrize("name", THINGS)
def test_things_stand_on_the_ground_and_can_hide_people(name):
    for seed in range(3):
        thing = THINGS[name](np.random.default_rng(seed))
        assert thing.layer == OCCLUDER
        assert np.isfinite(thing.vertices).all()
        assert -0.2 < thing.vertices[:, 1].min() < (3 if name == "flag_rope" else 0.05)
        assert 0.03 < footprint(thing) < 7
        assert thing.face_material.max() < len(thing.materials)
    first, again = (THINGS[name](np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first.vertices, again.vertices)


def test_venues_only_name_things_that_exist():
    for choices in VENUES.values():
        for venue, _ in choices:
            assert set(venue.scenery) | set(venue.in_front) <= set(THINGS)


def test_skis_lie_under_the_soles_and_on_the_snow(casting):
    grounded = 0
    for index, (family, action) in enumerate(actions_with("skis")):
        player = player_of(casting, family, action, index)
        skis = player.held[:2]
        for ski, side in zip(skis, SIDES, strict=True):
            below = sole_middle(player.figure, side) - ski.vertices
            assert np.linalg.norm(below, axis=1).min() < 0.09
            assert 1.3 < np.linalg.norm(np.ptp(ski.vertices, axis=0)) < 2.0
        lowest = min(ski.vertices[:, 1].min() for ski in skis)
        if player.figure.pose.support == "ground":
            grounded += 1
            assert lowest > -0.06
            assert min(lowest, player.figure.cloth[:, 1].min()) == pytest.approx(0, abs=1e-9)
    assert grounded >= 5


def test_ski_poles_start_in_the_fists_and_keep_off_the_body(casting):
    gaps = []
    for seed in range(8):
        player = player_of(casting, "ski", "slalom_turn", seed)
        for pole, side in zip(player.held[2:], SIDES, strict=False):
            assert distance_to(pole.vertices, grip(player.figure, side)) < 0.08
            tip = pole.vertices[np.linalg.norm(pole.vertices - grip(player.figure, side), axis=1).argmax()]
            gaps.append(clearance(player.figure, tip[None]))
    assert len(gaps) >= 10
    assert np.mean(np.array(gaps) > 0) > 0.9


def shaft_gap(meshes, point) -> float:
    """Distance of a point from the axis of the nearest tube, between its end rings."""
    gaps = []
    for mesh in meshes:
        ends = mesh.vertices[:8].mean(0), mesh.vertices[-8:].mean(0)
        line = ends[1] - ends[0]
        along = np.clip((point - ends[0]) @ line / max(line @ line, 1e-9), 0, 1)
        gaps.append(np.linalg.norm(point - ends[0] - along * line))
    return float(min(gaps))


@pytest.mark.parametrize("case", actions_with("bar", "hang"), ids=str)
def test_bars_go_through_both_hands(casting, case):
    player = player_of(casting, *case, 1)
    bars = apparatus_for(player.figure, np.random.default_rng(0))
    for side in SIDES:
        assert shaft_gap(bars[:1], grip(player.figure, side)) < 0.12


@pytest.mark.parametrize("case", actions_with("beam"), ids=str)
def test_beams_carry_the_lowest_point(casting, case):
    figure = player_of(casting, *case, 2).figure
    plank = apparatus_for(figure, np.random.default_rng(0))[0]
    assert plank.vertices[:, 1].max() == pytest.approx(figure.cloth[:, 1].min(), abs=1e-6)
    middle, along = contact(figure)
    offset = plank.vertices.mean(0) - middle
    sideways = offset - (offset @ along) * along
    assert np.linalg.norm(sideways[[0, 2]]) < 0.06


def inside_box(points: np.ndarray, box: np.ndarray) -> np.ndarray:
    return ((points > box.min(0)) & (points < box.max(0))).all(1)


def test_hurdles_are_cleared(casting):
    (case,) = actions_with("hurdle")[:1]
    for seed in range(4):
        figure = player_of(casting, *case, seed).figure
        hurdles = apparatus_for(figure, np.random.default_rng(seed))
        top_rail = hurdles[0].vertices[:8]
        assert 0.35 < top_rail[:, 1].max() <= 1.08
        assert inside_box(figure.cloth, top_rail).mean() < 0.01


@pytest.mark.parametrize("case", actions_with("chair"), ids=str)
def test_chairs_are_under_the_seat(casting, case):
    figure = player_of(casting, *case, 3).figure
    (chair,) = apparatus_for(figure, np.random.default_rng(3))
    seat = chair.vertices[:8]
    pelvis = figure.point("pelvis")
    assert 0 < pelvis[1] - seat[:, 1].max() < 0.6
    level = seat[:, [0, 2]]
    assert (pelvis[[0, 2]] > level.min(0)).all()
    assert (pelvis[[0, 2]] < level.max(0)).all()


def test_everything_that_poses_ask_for_is_there(casting):
    missing = []
    for family in poses.FAMILIES:
        for action in poses.actions(family):
            player = player_of(casting, family, action, 5)
            needs = player.figure.pose.apparatus
            meshes = [*player.held, *apparatus_for(player.figure, np.random.default_rng(1))]
            if needs and not meshes:
                missing.append((family, action, needs))
            assert all(np.isfinite(mesh.vertices).all() for mesh in meshes)
    assert [case for case in missing if case[2] != "step"] == []


def test_held_things_touch_a_hand(casting):
    for name in sorted(set(HELD) - {"skis", "snowboard", "ball"}):
        for family, action in actions_with(name)[:2]:
            figure: Figure = player_of(casting, family, action, 4).figure
            meshes = HELD[name](figure, np.random.default_rng(2))
            gaps = [
                min(distance_to(m.vertices, grip(figure, side)), shaft_gap([m], grip(figure, side)))
                for m in meshes
                for side in SIDES
            ]
            assert min(gaps) < 0.2, (name, action)
