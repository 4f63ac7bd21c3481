from dataclasses import replace

import numpy as np
import pytest
from shapes import ball, camera, light, quad, stage, surface

from synthgen.render import make_renderer
from synthgen.render.scenery import face_normals, vertex_normals
from synthgen.surface import PATTERNS, Material


@pytest.fixture(scope="module")
def warp():
    return make_renderer("warp")


def middle(drawing):
    height, width = drawing.mask.shape
    return drawing.image[height // 2, width // 2].astype(int)


def wall(material, distance=3.0):
    return surface(quad((0, 0, distance), 20, 20), 1, material)


def test_matt_surface_in_an_even_glow_shows_its_own_colour(warp):
    colour = (0.8, 0.5, 0.1)
    drawing = warp.draw(stage([wall(Material(colour, roughness=1.0))]))
    np.testing.assert_allclose(middle(drawing), np.array(colour) * 255, atol=1)


def test_sun_falls_off_with_the_cosine(warp):
    material = Material((0.7, 0.7, 0.7), roughness=1.0)

    def linear(direction):
        lit = light((0.9, 0.9, 0.9), direction, (0.0, 0.0, 0.0))
        value = middle(warp.draw(stage([wall(material)], glow=lit)))[1] / 255
        return ((value + 0.055) / 1.055) ** 2.4

    straight = linear((0, 0, -1))
    assert linear((0, -np.sqrt(3), -1)) == pytest.approx(straight / 2, rel=0.05)
    assert linear((0, -1, 0.2)) == pytest.approx(0, abs=1e-3)


def test_highlights_are_compressed_not_clipped(warp):
    white = Material((1.0, 1.0, 1.0), roughness=1.0)
    values = [
        middle(warp.draw(stage([wall(white)], glow=light((s, s, s), sky=(0.0, 0.0, 0.0)))))[0]
        for s in (0.7, 1.0, 1.5)
    ]
    assert values[0] < values[1] < values[2] <= 255


def test_smooth_surface_gets_a_highlight_where_it_mirrors_the_sun(warp):
    def brightest(roughness):
        material = Material((0.2, 0.2, 0.2), roughness=roughness)
        lit = light((1.0, 1.0, 1.0), (0, 0, -1), (0.0, 0.0, 0.0))
        return warp.draw(stage([surface(ball((0, 0, 3), 1), 1, material)], glow=lit)).image.max()

    assert brightest(0.2) > brightest(1.0) + 40


def test_shadow_falls_where_the_sun_is_hidden(warp):
    screen = surface(quad((-0.6, 0, 2.5), 0.4, 0.4), 255)
    floor = wall(Material((0.6, 0.6, 0.6), roughness=1.0))

    def picture(shadow):
        # The sun stands to the left, so that the shadow falls 0.6 m to the right: on the picture's middle.
        lit = light((0.8, 0.8, 0.8), (-0.6, 0, -0.5), (0.1, 0.1, 0.1), shadow)
        return warp.draw(stage([screen, floor], glow=lit))

    hard, soft, none = (picture(shadow) for shadow in (1.0, 0.5, 0.0))
    assert middle(hard)[0] < middle(soft)[0] < middle(none)[0]
    lit_place = (5, 60)  # away from screen and shadow
    assert (hard.image[lit_place] == none.image[lit_place]).all()


def test_a_nook_gets_less_sky_than_open_ground(warp):
    ground = np.array([(-9, 1, 1), (9, 1, 1), (9, 1, 9), (-9, 1, 9)], np.float32)
    floor = surface((ground, np.array([[0, 1, 2], [0, 2, 3]], np.int32)), 0, is_smooth=False)
    block = surface(quad((0, 0, 3.6), 2, 2), 255, is_smooth=False)
    image = warp.draw(stage([floor, block], glow=light())).image.astype(int)
    at_the_block, in_the_open = image[41, 32, 0], image[47, 60, 0]
    assert at_the_block < in_the_open - 5


@pytest.mark.parametrize("pattern", [name for name in PATTERNS if name != "plain"])
def test_pattern_shows_both_colours_near_and_their_mean_far(pattern, warp):
    dark, bright = 0.25, 0.85
    material = Material((dark,) * 3, (bright,) * 3, pattern, scale=0.3, roughness=1.0)
    near = warp.draw(stage([wall(material, 2.0)])).image / 255
    far = warp.draw(stage([wall(material, 9.9)], camera(24, 24, 10.0))).image / 255
    assert near.max() - near.min() > 0.5 * (bright - dark)
    assert near.max() < bright + 0.01
    assert far[6:18, 6:18].std() < 0.02
    assert dark + 0.1 < far[12, 12].mean() < bright - 0.05


def test_stripes_keep_their_period_and_direction(warp):
    view = camera(60, 60, 60.0)
    for angle, axis in ((0.0, 1), (np.pi / 2, 0)):
        material = Material((0.0,) * 3, (1.0,) * 3, "stripes", scale=0.2, roughness=1.0, angle=angle)
        image = warp.draw(stage([wall(material, 1.0)], view)).image[..., 0] / 255
        profile = image[20] if axis == 1 else image[:, 20]
        changes = np.count_nonzero(np.diff(profile > 0.5))
        assert changes == 10  # a metre holds five repeats
        assert np.diff(image, axis=1 - axis).max() < 0.02


def test_pattern_lies_on_the_surface_not_in_space(warp):
    material = Material((0.0,) * 3, (1.0,) * 3, "checks", scale=0.2, roughness=1.0)
    still = wall(material)
    moved = replace(still, vertices=still.vertices + np.array([0.1, 0.05, 0], np.float32))
    first, second = (warp.draw(stage([s])).image[..., 0].astype(int) for s in (still, moved))
    assert np.abs(first - second).mean() > 50
    # 0.1 m at 3 m under 60 px of focal length are 2 px to the right, 0.05 m are 1 px down.
    assert np.abs(first[10:-10, 10:-10] - second[11:-9, 12:-8]).max() <= 10


def test_edges_are_blended_and_the_backdrop_is_left_alone(warp):
    disc = surface(ball((0, 0, 3), 0.8), 1, Material((1.0, 1.0, 1.0), roughness=1.0))
    drawing = warp.draw(stage([disc], backdrop=(0.0, 0.0, 0.0)))
    image = drawing.image[..., 0]
    assert ((image > 40) & (image < 215)).sum() > 20
    inner = np.pad(drawing.mask, 1)
    untouched = ~np.any([inner[a : a + 48, b : b + 64] for a in range(3) for b in range(3)], axis=0)
    assert untouched.any() and not image[untouched].any()


def test_backdrop_passes_unchanged(warp):
    backdrop = np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.float32) / 255
    drawing = warp.draw(replace(stage([surface(quad((-1.5, 0, 3), 0.5, 0.5), 1)]), backdrop=backdrop))
    right_half = np.rint(backdrop * 255)[:, 32:]
    assert (drawing.image[:, 32:] == right_half).all()


def test_normals_of_a_ball_point_outwards():
    vertices, faces = ball((0, 0, 0), 2.0)
    normals = vertex_normals(face_normals(vertices, faces), faces, len(vertices))
    poles = np.abs(vertices[:, 1]) > 1.999  # many vertices in one place, some with flat faces only
    outwards = np.abs((normals * vertices / 2.0).sum(1))
    assert outwards[~poles].min() > 0.99


def test_curved_surface_is_shaded_without_facets(warp):
    lit = light((0.8, 0.8, 0.8), (-1, -1, -1), (0.1, 0.1, 0.1), shadow=0.0)
    material = Material((0.6, 0.6, 0.6), roughness=1.0)
    view = camera(96, 96, 200.0)

    def steps(is_smooth):
        coarse = surface(ball((0, 0, 4), 1, rings=10), 1, material, is_smooth)
        row = warp.draw(stage([coarse], view, lit)).image[48, 20:76, 0].astype(int)
        return np.abs(np.diff(row, 2)).max()

    assert steps(is_smooth=True) * 2 < steps(is_smooth=False)
