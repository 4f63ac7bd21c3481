import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from shapes import ball, camera, light, quad, stage, surface

from synthgen.geometry import intrinsics, project
from synthgen.render import make_renderer, resolve_renderer
from synthgen.render.renderer import LEAST_HIDDEN
from synthgen.sample import BACKGROUND, OCCLUDER, Camera

NO_FACES = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)


@pytest.fixture(scope="module")
def warp():
    return make_renderer("warp")


@pytest.fixture(scope="module")
def pyrender():
    try:
        resolve_renderer("pyrender")
    except ValueError as error:
        pytest.skip(f"no GL context on this machine: {error}")
    return make_renderer("pyrender")


def brute_force(meshes, view):
    """Depth and index of the nearest of all triangles at every pixel centre, in float64."""
    height, width = view.image_size
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(view.cam_int).T
    depth, index = np.full(view.image_size, np.inf), np.zeros(view.image_size, np.uint8)
    for number, (vertices, faces) in enumerate(meshes, start=1):
        for a, b, c in vertices.astype(np.float64)[faces]:
            normal = np.cross(b - a, c - a)
            z = (normal @ a) / (rays @ normal)
            points = rays * z[..., None]
            edges = ((a, b), (b, c), (c, a))
            sides = [np.cross(q - p, points - p) @ normal for p, q in edges]
            hit = (np.min(sides, axis=0) >= 0) & (z > 0) & (z < depth)
            depth[hit], index[hit] = z[hit], number
    return np.where(np.isinf(depth), 0, depth), index


@pytest.mark.parametrize("name", ["warp", "pyrender"])
def test_depth_and_index_are_those_of_the_nearest_triangle(name, request):
    renderer = request.getfixturevalue(name)
    rng = np.random.default_rng(9)
    view = Camera(np.array([[50.0, 0, 20.3], [0, 55.0, 30.8], [0, 0, 1]]), (40, 56))
    meshes = [
        (
            (rng.uniform((-1, -1, 2), (1, 1, 6), (3, 1, 3)) + rng.normal(0, 0.5, (3, 3, 3)))
            .reshape(-1, 3)
            .astype(np.float32),
            np.arange(9, dtype=np.int32).reshape(3, 3),
        )
        for _ in range(5)
    ]
    depth, index = renderer.depth(meshes, view)
    true_depth, true_index = brute_force(meshes, view)
    agree = index == true_index
    assert agree.mean() > 0.995  # the rest are centres that lie on an edge to within rounding
    assert set(np.unique(true_index)) == {0, 1, 2, 3, 4, 5}
    np.testing.assert_allclose(depth[agree], true_depth[agree], atol=2e-4)


@pytest.mark.parametrize("name", ["warp", "pyrender"])
def test_slanted_plane_has_the_depth_of_its_equation(name, request):
    view = camera(30, 50)
    vertices, faces = quad((0, 0, 0), 20, 20)
    vertices[:, 2] = 5 + 0.3 * vertices[:, 0] - 0.2 * vertices[:, 1]
    depth, _ = request.getfixturevalue(name).depth([(vertices, faces)], view)
    u, v = np.meshgrid(np.arange(50), np.arange(30))
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(view.cam_int).T
    expected = 5 / (1 - 0.3 * rays[..., 0] + 0.2 * rays[..., 1])
    np.testing.assert_allclose(depth, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["warp", "pyrender"])
def test_ground_that_reaches_behind_the_camera_is_seen_up_to_the_horizon(name, request):
    view = camera(60, 50)
    ground = np.array([(-90, 1.5, -90), (90, 1.5, -90), (90, 1.5, 90), (-90, 1.5, 90)], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    depth, _ = request.getfixturevalue(name).depth([(ground, faces)], view)
    slope = (np.arange(60) - view.cam_int[1, 2]) / view.cam_int[1, 1]
    expected = np.where(slope > 1.5 / 90, 1.5 / np.maximum(slope, 1e-9), 0)
    np.testing.assert_allclose(depth, np.broadcast_to(expected[:, None], (60, 50)), rtol=1e-5)


@pytest.mark.parametrize("name", ["warp", "pyrender"])
def test_fine_mesh_has_no_gaps(name, request):
    """Every pixel inside a ball of 9,000 triangles, each a pixel or two wide, shows the near side."""
    view = Camera(np.array([[301.7, 0, 63.21], [0, 301.7, 64.13], [0, 0, 1]]), (128, 128))
    depth, _ = request.getfixturevalue(name).depth([ball((0.013, -0.007, 4.0), 0.7, rings=48)], view)
    u, v = np.meshgrid(np.arange(128), np.arange(128))
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(view.cam_int).T
    toward = np.array([0.013, -0.007, 4.0])
    along = rays @ toward / (rays**2).sum(-1)
    distance = np.linalg.norm(rays * along[..., None] - toward, axis=-1)
    inside = distance < 0.68
    near_side = along - np.sqrt(np.maximum(0.7**2 - distance**2, 0)) / np.linalg.norm(rays, axis=-1)
    assert inside.sum() > 7000
    assert np.abs(depth - near_side)[inside].max() < 0.01


@pytest.mark.parametrize("name", ["warp", "pyrender"])
def test_integer_pixel_is_the_centre_of_a_pixel(name, request):
    view = camera(9, 13)
    point = np.array([[0.07, -0.03, 1.0]])
    u, v = np.rint(project(point, view.cam_int)[0]).astype(int)
    middle = (np.array([u, v]) - view.cam_int[:2, 2]) / 60.0
    speck = quad((*middle, 1.0), 0.8 / 60, 0.8 / 60)
    depth, _ = request.getfixturevalue(name).depth([speck], view)
    assert np.argwhere(depth > 0).tolist() == [[v, u]]


def test_masks_tell_people_props_and_background_apart(warp):
    view = camera()
    first, second = quad((-0.5, 0, 3), 1, 1.5), quad((0.5, 0, 4), 1.5, 1.5)
    prop, wall = quad((-0.5, 0.4, 2), 0.3, 0.3), quad((0.8, -0.4, 2), 0.3, 0.3)
    aside = quad((0, -0.7, 2), 0.1, 0.1)
    drawing = warp.draw(
        stage(
            [surface(first, 1), surface(second, 2), surface(prop, 255), surface(wall, 0), surface(aside, 255)]
        )
    )

    def at(x, y, z):
        u, v = np.rint(project(np.array([[x, y, z]]), view.cam_int)[0]).astype(int)
        return drawing.mask[v, u], drawing.depth[v, u]

    assert at(-0.5, 0, 3) == (1, 3)
    assert at(-0.1, 0, 4) == (1, 3)  # the first person is in front of the second
    assert at(1.0, 0.5, 4) == (2, pytest.approx(4))
    assert at(-0.5, 0.45, 2) == (OCCLUDER, 0)
    assert at(0.8, -0.4, 2) == (BACKGROUND, 0)  # a wall hides the second person
    assert at(0, -0.7, 2) == (BACKGROUND, 0)  # a prop in front of nobody
    hides_someone = drawing.mask == OCCLUDER
    assert hides_someone.any() and not drawing.depth[hides_someone].any()


def test_a_prop_that_hides_a_body_is_marked_whole(warp):
    person, pole = surface(quad((0, 0, 3), 1, 1), 1), surface(quad((0, 0.2, 2), 3, 0.3), 255)
    beside = surface(quad((0, -0.5, 2), 3, 0.1), 255)
    drawing = warp.draw(stage([person, pole, beside]))
    view = camera()
    u, v = np.rint(project(np.array([[0, 0.2, 2.0], [1, 0.2, 2], [0, -0.5, 2]]), view.cam_int)).astype(int).T
    assert drawing.mask[v, u].tolist() == [OCCLUDER, OCCLUDER, BACKGROUND]
    assert drawing.silhouettes[v, u].tolist() == [OCCLUDER, BACKGROUND, BACKGROUND]
    assert drawing.hidden[v, u].tolist() == [True, False, False]
    assert drawing.things is not None and drawing.things[v, u].all()
    assert not (drawing.things & (drawing.mask == 1)).any() and not drawing.things.all()
    assert np.array_equal(drawing.silhouettes == OCCLUDER, drawing.hidden)


def test_a_prop_that_only_touches_a_body_is_marked_where_it_hides_it(warp):
    person = surface(quad((0, 0, 3), 1, 1), 1)
    view = camera(480, 640, 600.0)
    u, v = np.rint(project(np.array([[0.4, 0.37, 2.0]]), view.cam_int)).astype(int).T  # on the mat, beside
    marked = []
    for top in (0.329, 0.31):  # upper edge of a mat at 2 m; the body ends at a third of a metre there
        mat = surface(quad((0, top + 0.3, 2), 3, 0.6), 255)
        drawing = warp.draw(stage([person, mat], view))
        part = drawing.hidden.sum() / (drawing.hidden | (drawing.mask == 1)).sum()
        assert 0 < part < 0.2
        marked.append((part >= LEAST_HIDDEN, bool(drawing.mask[v, u] == OCCLUDER)))
        assert (drawing.mask[drawing.hidden] == OCCLUDER).all()
    assert marked == [(False, False), (True, True)]


@pytest.mark.parametrize("name", ["warp", "pyrender"])
def test_visible_part_counts_the_own_silhouette_inside_the_picture(name, request):
    renderer = request.getfixturevalue(name)
    person = surface(quad((0, 0, 3), 1, 1), 1)
    left_half = surface(quad((-0.25, 0, 2.9), 0.5, 2), 255)
    assert renderer.draw(stage([person])).visible == pytest.approx([1.0])
    assert renderer.draw(stage([person, left_half])).visible == pytest.approx([0.5], abs=0.03)
    half_outside = surface(quad((1.6, 0, 3), 1, 1), 1)
    assert renderer.draw(stage([half_outside])).visible == pytest.approx([1.0])
    behind = surface(quad((0, 0, 4), 0.5, 0.5), 2)
    assert renderer.draw(stage([person, behind])).visible == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize("name", ["warp", "pyrender"])
@pytest.mark.parametrize(
    ("surfaces", "num_people"),
    [
        ([], 0),
        ([surface(NO_FACES, 1)], 1),
        ([surface(quad((0, 0, -3), 1, 1), 1)], 1),
        ([surface(quad((50, 0, 3), 1, 1), 2), surface(ball((0, 0, -2), 0.5), 1)], 2),
    ],
    ids=["nothing", "no faces", "behind the camera", "outside the picture"],
)
def test_nobody_in_view_is_a_clean_result(name, surfaces, num_people, request):
    drawing = request.getfixturevalue(name).draw(stage(surfaces, backdrop=(0.2, 0.4, 0.6)))
    assert (drawing.image == (51, 102, 153)).all()
    assert not drawing.depth.any() and not drawing.mask.any()
    assert drawing.visible.tolist() == [0.0] * num_people


def test_depth_of_no_meshes_is_zero(warp):
    depth, index = warp.depth([], camera())
    assert depth.shape == index.shape == (48, 64) and not depth.any() and not index.any()


def test_camera_inside_a_ball_sees_its_far_side(warp):
    depth, _ = warp.depth([ball((0, 0, 0), 2.0, rings=48)], camera())
    assert depth[24, 32] == pytest.approx(2.0, abs=0.01)


def crowd():
    """Two people, a prop, ground and sun."""
    ground = np.array([(-30, 1, 0.5), (30, 1, 0.5), (30, 1, 60), (-30, 1, 60)], np.float32)
    surfaces = [
        surface(ball((-0.3, 0.2, 4.0), 0.6), 1),
        surface(ball((0.4, 0.0, 4.6), 0.8), 2),
        surface(quad((-0.4, 0.61, 3.0), 0.5, 0.3), 255, is_smooth=False),
        surface((ground, np.array([[0, 1, 2], [0, 2, 3]], np.int32)), 0, is_smooth=False),
    ]
    view = Camera(intrinsics(130.0, (96, 128)), (96, 128))
    return stage(surfaces, view, light((0.9, 0.9, 0.8), (0.6, -1, -0.4), (0.4, 0.4, 0.5)))


def test_same_stage_gives_the_same_bytes_whatever_was_drawn_before(warp):
    first = warp.draw(crowd())
    warp.draw(stage([surface(ball((0, 0, 3), 1), 1)]))
    for again in (warp.draw(crowd()), make_renderer("warp").draw(crowd())):
        for field in ("image", "depth", "mask", "hidden", "visible"):
            assert getattr(first, field).tobytes() == getattr(again, field).tobytes()


def test_both_renderers_agree(warp, pyrender):
    rays, triangles = warp.draw(crowd()), pyrender.draw(crowd())
    assert (rays.silhouettes == triangles.silhouettes).mean() > 0.999
    assert (rays.mask == triangles.mask).mean() > 0.998
    padded = np.pad(rays.mask, 1, mode="edge")
    shifted = [padded[1 + dy : 97 + dy, 1 + dx : 129 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    inside = (np.min(shifted, 0) == np.max(shifted, 0)) & (rays.depth > 0)
    assert inside.sum() > 1000
    assert np.abs(rays.depth - triangles.depth)[inside].max() < 0.001
    np.testing.assert_allclose(rays.visible, triangles.visible, atol=0.01)
    difference = np.abs(rays.image.astype(int) - triangles.image)
    assert difference.mean() < 0.1


def test_broken_input_is_named(warp):
    vertices, faces = quad((0, 0, 3), 1, 1)
    with pytest.raises(ValueError, match=r"backdrop must be \(48, 64, 3\), got \(5, 5, 3\)"):
        warp.draw(replace(stage([]), backdrop=np.zeros((5, 5, 3), np.float32)))
    with pytest.raises(ValueError, match="mesh 0: faces must point into 4 vertices, got 0..9"):
        warp.depth([(vertices, np.array([[0, 1, 9]], np.int32))], camera())
    with pytest.raises(ValueError, match="mesh 1 has vertices that are not finite"):
        warp.depth([(vertices, faces), (vertices * np.nan, faces)], camera())
    whole = surface((vertices, faces), 1)
    with pytest.raises(ValueError, match=r"surface 1: face_material must point into 1 materials, got 3..3"):
        warp.draw(stage([whole, replace(whole, face_material=np.array([3, 3], np.int32))]))
    with pytest.raises(ValueError, match=r"surface 0: face_material must be \(2,\), got \(1,\)"):
        warp.draw(stage([replace(whole, face_material=np.zeros(1, np.int32))]))
    with pytest.raises(ValueError, match=r"surface 0: coordinates must have the shape of vertices \(4, 3\)"):
        warp.draw(stage([replace(whole, coordinates=vertices[:2])]))
    with pytest.raises(ValueError, match="at most 254 meshes, got 255"):
        warp.depth([(vertices, faces)] * 255, camera())
    with pytest.raises(ValueError, match="no device 'cuda:99' to draw on; available: cpu"):
        make_renderer("warp", "cuda:99")
    with pytest.raises(ValueError, match="renderer must be warp or pyrender, got 'vulkan'"):
        make_renderer("vulkan")


def test_renderer_is_chosen_without_gl():
    code = (
        "from synthgen.render import make_renderer, resolve_renderer\n"
        "print(resolve_renderer('auto'), resolve_renderer('warp'))\n"
        "for ask in (resolve_renderer, make_renderer):\n"
        "    try: ask('pyrender')\n"
        "    except ValueError as error: print(error)\n"
    )
    done = run_python(code, PYOPENGL_PLATFORM="nowhere")
    chosen, *messages = done.stdout.splitlines()
    assert chosen == "warp warp"
    assert len(messages) == 2
    assert all("nowhere" in message and "renderer=warp" in message for message in messages)
    assert done.stderr == ""


def test_importing_loads_no_graphics_library():
    code = "import sys, synthgen.render; print({'warp', 'pyrender', 'OpenGL', 'torch'} & set(sys.modules))"
    assert run_python(code).stdout.strip() == "set()"


def test_starting_warp_prints_nothing():
    code = "from synthgen.render import make_renderer; make_renderer('warp')"
    done = run_python(code)
    assert (done.stdout, done.stderr) == ("", "")


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
