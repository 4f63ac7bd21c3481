"""Sets of looks: the default is what it always was; the stand-in is far from it, and its labels as exact."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.sample import Request
from synthgen.scenes import poses
from synthgen.scenes.appearance import APPEARANCES
from synthgen.scenes.compose import Composition, RenderSource
from synthgen.scenes.grounds import GROUND_COLORS, GROUNDS
from synthgen.scenes.interiors import INTERIORS
from synthgen.scenes.lights import WEATHERS
from synthgen.scenes.outdoors import PANORAMAS
from synthgen.scenes.poses import FAMILIES
from synthgen.scenes.settings import backdrop_of, draw_setting, extent_of, ground_of
from synthgen.scenes.standin import grounds, halls, panoramas, venues
from synthgen.scenes.standin.film import develop
from synthgen.scenes.things import THINGS

SPORTS = ("ski", "gymnastics", "diving", "everyday")
DATA = Path(__file__).parents[1] / "data" / "studio_renders.safetensors"  # drawn before there was a stand-in
ALL_VENUES = {venue for choices in venues.VENUES.values() for venue, _ in choices}


def requests(count: int, first: int = 0) -> list[Request]:
    return [Request(f"run-{n:08d}", n, 31 * n + 5, "", "", "render") for n in range(first, first + count)]


@pytest.fixture(scope="module")
def drawn(source) -> dict[str, dict[str, list[Composition]]]:
    """Return 8 pictures of each family and appearance, by appearance and family."""
    found: dict[str, dict[str, list[Composition]]] = {}
    for appearance in APPEARANCES:
        found[appearance] = {}
        for family in SPORTS:
            made = source(image_size=128, families={family: 1.0}, second_person=0.0, appearance=appearance)
            found[appearance][family] = [c for c in made(requests(8)) if isinstance(c, Composition)]
    return found


def test_the_default_draws_what_it_always_drew(source):
    made = source(image_size=128, families=dict.fromkeys(FAMILIES, 1.0), second_person=0.4, occluders=0.4)
    pictures = [c for c in made(requests(12)) if isinstance(c, Composition)]
    before = load_file(DATA)
    for index, picture in enumerate(pictures):
        small = Image.fromarray(picture.drawing.image).resize((16, 16), Image.Resampling.BOX)
        off = np.abs(np.asarray(small).astype(int) - before["thumbnails"][index])
        assert off.mean() < 1.0  # other processors round otherwise, which may move an edge
        np.testing.assert_allclose(picture.scene.people[0].body_pose, before["body_pose"][index], atol=1e-4)
        np.testing.assert_allclose(picture.scene.camera.cam_int, before["cam_int"][index], rtol=1e-4)
    assert len(pictures) == 12


def test_the_default_is_the_studio():
    assert RenderSource().appearance == "studio"


def test_every_request_becomes_a_picture_of_its_sport(drawn):
    for family in SPORTS:
        pictures = drawn["standin"][family]
        assert len(pictures) >= 7
        assert {picture.families[0] for picture in pictures} == {family}


def test_standin_pictures_depend_on_their_seed_alone(source):
    options = {"image_size": 128, "families": dict.fromkeys(SPORTS, 1.0), "appearance": "standin"}
    together, alone = source(**options)(requests(3, 40)), source(**options)(requests(1, 42))
    np.testing.assert_array_equal(together[2].drawing.image, alone[0].drawing.image)
    np.testing.assert_array_equal(together[2].points, alone[0].points)
    assert not np.array_equal(together[0].drawing.image, together[1].drawing.image)


@pytest.mark.parametrize("family", SPORTS)
def test_labels_are_exact_in_both(drawn, family):
    """Joints lie on the drawn body, and the body's own silhouette is the mask, clothes apart."""
    for appearance in APPEARANCES:
        on_body, overlaps = [], []
        for picture in drawn[appearance][family]:
            joints = COCO17.point_weights() @ picture.points[0]
            pixels = np.rint(project(joints, picture.scene.camera.cam_int)).astype(int)
            column, row = pixels[((pixels >= 0) & (pixels < 128)).all(1)].T
            on_body += list(picture.drawing.mask[row, column] > 0)
            overlaps.append(silhouette_overlap(picture))
        assert np.mean(on_body) > 0.93, appearance
        assert np.median(overlaps) > 0.75, appearance


def silhouette_overlap(picture: Composition) -> float:
    """Return the IoU of the mask and the projected vertices of the labelled body, filled by closing."""
    from scipy.ndimage import binary_closing

    from synthgen.body import load_body

    vertices = load_body("open").pose([picture.scene.people[0]]).vertices[0]
    pixels = np.rint(project(vertices, picture.scene.camera.cam_int)).astype(int)
    column, row = pixels[((pixels >= 0) & (pixels < 128)).all(1)].T
    body = np.zeros((128, 128), bool)
    body[row, column] = True
    body = binary_closing(np.pad(body, 8), iterations=3)[8:-8, 8:-8]
    mask = picture.drawing.mask == 1
    hidden = (picture.drawing.mask == 255) & body
    return float((body & mask).sum() / max(((body | mask) & ~hidden).sum(), 1))


def histogram(pictures: list[Composition], inside: bool) -> np.ndarray:
    """Return the joint colour histogram (4 x 4 x 4 bins, sums to 1) of people, or of what is around them."""
    pixels = np.concatenate(
        [p.drawing.image[(p.drawing.mask == 1) if inside else (p.drawing.mask == 0)] for p in pictures]
    )
    counts, _ = np.histogramdd(pixels, bins=4, range=[(0, 256)] * 3)
    return counts / counts.sum()


@pytest.mark.parametrize("family", SPORTS)
@pytest.mark.parametrize("inside", [True, False])
def test_the_two_look_clearly_different(drawn, family, inside):
    """A large part of the colours of one, on people and around them, is not found in the other."""

    def apart(first: np.ndarray, second: np.ndarray) -> float:
        return 0.5 * float(np.abs(first - second).sum())

    studio, standin = drawn["studio"][family], drawn["standin"][family]
    between = apart(histogram(studio, inside), histogram(standin, inside))
    assert between > (0.3 if inside else 0.4)


def test_its_photographers_use_other_lenses_and_places(drawn):
    def views(appearance: str) -> tuple[np.ndarray, np.ndarray]:
        pictures = [p for family in SPORTS for p in drawn[appearance][family]]
        focal = np.array([p.scene.camera.cam_int[0, 0] / 128 for p in pictures])
        return focal, np.array([p.points[0, 0, 2] for p in pictures])

    (studio, near), (standin, far) = views("studio"), views("standin")
    assert np.std(np.log(standin)) > 1.15 * np.std(np.log(studio))
    assert far.max() > near.max()


def test_its_pictures_are_noisier_and_softer(source):
    grey = np.full((128, 128, 3), 120, np.uint8)
    edge = grey.copy()
    edge[:, 64:] = 220
    for seed in range(4):
        clean = develop(edge, grey[..., 0], 0.0, 0.0, np.random.default_rng(seed)).astype(int)
        again = develop(edge, grey[..., 0], 0.0, 0.0, np.random.default_rng(seed)).astype(int)
        np.testing.assert_array_equal(clean, again)
        grain = develop(grey, grey[..., 0], 0.0, 0.025, np.random.default_rng(seed))[32:96, 32:60]
        assert grain.std() > 2
        steps = np.abs(np.diff(clean[64].mean(-1)))
        assert (steps > 0.05 * steps.sum()).sum() >= 2  # an edge takes more than a pixel


def test_its_poses_stray_further_from_the_library():
    def spread(variety: poses.Variety) -> float:
        drawn = [
            poses.draw_action("ski", "tuck", np.random.default_rng([seed, 4]), variety).body_pose
            for seed in range(24)
        ]
        return float(np.std(drawn, axis=0).mean())

    assert spread(venues.VARIETY) > 1.15 * spread(poses.USUAL)


@pytest.mark.parametrize("venue", sorted(ALL_VENUES, key=lambda venue: venue.name), ids=lambda v: v.name)
def test_its_venues_can_be_built_and_are_its_own(venue):
    assert venue.ground in grounds.GROUNDS and venue.ground not in GROUNDS
    assert venue.ground in grounds.GROUND_COLORS and venue.ground not in GROUND_COLORS
    assert venue.backdrop in (halls.INTERIORS if venue.is_indoor else panoramas.PANORAMAS)
    assert venue.backdrop not in {**INTERIORS, **PANORAMAS}
    assert {name for name, _ in venue.weathers} <= set(WEATHERS)
    assert set(venue.scenery) | set(venue.in_front) <= set(THINGS)
    setting = draw_setting(venue, np.random.default_rng(3), venues.OUTDOORS)
    hall = setting.hall(np.array([1.0, 1.5, 2.0]), 2.0) if venue.is_indoor else None
    ground, *more = ground_of(setting, extent_of(setting, hall))
    assert {mesh.layer for mesh in (ground, *more)} == {0}
    near = np.linalg.norm(ground.vertices[:, [0, 2]], axis=1) < 0.8
    assert np.abs(ground.vertices[near, 1]).max(initial=0) < 0.05


def test_its_backdrops_fill_the_picture_and_vary_by_seed():
    from synthgen.geometry import intrinsics, look_at
    from synthgen.sample import Camera
    from synthgen.scenes.cameras import View

    eye = np.array([3.0, 1.5, 2.0])
    view = View(
        Camera(intrinsics(45.0, (40, 56)), (40, 56)), *look_at(eye, eye * (-1, 1.3, -1), np.eye(3)[1]), eye
    )
    for venue in ALL_VENUES:
        painted = []
        for seed in range(3):
            setting = draw_setting(venue, np.random.default_rng(seed))
            painted.append(backdrop_of(setting, view, setting.hall(eye, 1.8) if venue.is_indoor else None))
        assert all(np.isfinite(one).all() and one.std() > 0.02 for one in painted), venue.name
        assert np.abs(painted[0] - painted[1]).mean() > 0.01


def test_unknown_appearances_are_named():
    with pytest.raises(ValueError, match="appearance must be one of studio, standin, got 'film'"):
        RenderSource(appearance="film")


def test_no_model_of_the_package_is_trained_on_it():
    from synthgen import config as configs
    from synthgen.embedded.options import RenderOptions

    assert RenderSource(**RenderOptions().source).appearance == "studio"
    for name, path in configs.shipped().items():
        values = configs.read(path).values
        assert values.get("source", {}).get("appearance", "studio") == "studio", name
        assert values.get("render", {}).get("source", {}).get("appearance", "studio") == "studio", name
