"""Warp kernels over the pixels of a picture: light and colour at centres, finer samples at edges, encoding.

Colours are linear light until `encode_pixels`; depth [m] is z in the camera frame.
"""

from typing import TypeAlias

import warp as wp

from synthgen.render.shading import (
    MISS,
    Hit,
    Ints,
    Vectors,
    World,
    hit_face,
    linear_to_srgb,
    open_sky,
    pixel_ray,
    sample_ray,
    shade,
    srgb_to_linear,
    sun_seen,
)

wp.set_module_options({"enable_backward": False})

Floats: TypeAlias = wp.array[wp.float32]
Bytes: TypeAlias = wp.array[wp.uint8]

SKY_STEP = wp.constant(4)  # [px] distance of the points where the sky's share is measured
SKY_SLACK = wp.constant(0.04)  # [m] out of a pixel's plane to where such a point still speaks for it
EDGE_CONTRAST = wp.constant(0.06)  # of neighbours, in square roots of light; more calls for more samples
MAX_BEND = wp.constant(8.0)  # [pixel sizes] by which depth may leave a plane within one surface
UNKNOWN = wp.constant(-1.0)


@wp.struct
class Film:
    """What is known of each pixel, row by row, and of each sky point, one per SKY_STEP x SKY_STEP pixels."""

    seen: Ints  # face at the centre, or MISS
    backdrop: Vectors  # sRGB
    color: Vectors
    depth: Floats
    sun: Floats  # 0..1, what of the sun reaches the surface
    sky: Floats  # 0..1, likewise
    is_edge: Bytes
    point_position: Vectors
    point_rays: Floats  # 0..1, part of its rays that met nothing, or UNKNOWN where there is no surface
    point_sky: Floats  # 0..1, the same, smoothed over neighbours in one plane


@wp.func
def center_hit(world: World, film: Film, i: int) -> Hit:
    """Return where the ray through a pixel's centre meets the face seen there."""
    return hit_face(world, film.seen[i], pixel_ray(world.unproject, world.width, i, 0.0, 0.0))


@wp.func
def paint_at(world: World, film: Film, i: int) -> int:
    """Return the material seen at a pixel's centre, or MISS; kernels do not stop early at `and` and `or`."""
    if film.seen[i] == MISS:
        return MISS
    return world.face_paint[film.seen[i]]


@wp.kernel
def measure_depth(world: World, film: Film) -> None:
    """Measure the depth [m] of the face at every pixel's centre; 0 where none is seen."""
    i = wp.tid()
    film.depth[i] = 0.0
    if film.seen[i] != MISS:
        film.depth[i] = center_hit(world, film, i).point[2]


@wp.func
def sky_pixel(world: World, c: int) -> int:
    """Return the pixel through which a sky point is seen: the first of its block."""
    across = (world.width + SKY_STEP - 1) // SKY_STEP
    return SKY_STEP * (c // across) * world.width + SKY_STEP * (c % across)


@wp.kernel
def measure_sky(world: World, film: Film) -> None:
    """Measure the sky's share at one pixel of every block; blocks take turns in how their rays are turned."""
    c = wp.tid()
    across = (world.width + SKY_STEP - 1) // SKY_STEP
    i = sky_pixel(world, c)
    film.point_rays[c] = UNKNOWN
    if film.seen[i] != MISS:
        hit = center_hit(world, film, i)
        turn = float(c % across % 2) + 2.0 * float(c // across % 2)
        film.point_position[c] = hit.point
        film.point_rays[c] = open_sky(world, hit, turn / 4.0)


@wp.func
def plane_weight(hit: Hit, point: wp.vec3) -> float:
    """Return how much a point tells of the light at a hit: 1 in its plane, little beyond SKY_SLACK."""
    off = wp.dot(hit.normal, point - hit.point) / SKY_SLACK
    return 1.0 / (1.0 + off * off * off * off)


@wp.kernel
def smooth_sky(world: World, film: Film) -> None:
    """Average sky points over 3x3 with weights 1 2 1, in which each of the four turns has the same part."""
    c = wp.tid()
    across = (world.width + SKY_STEP - 1) // SKY_STEP
    film.point_sky[c] = film.point_rays[c]
    if film.point_rays[c] == UNKNOWN:
        return
    hit = center_hit(world, film, sky_pixel(world, c))
    total = float(0)
    weights = float(0)
    for k in range(9):
        dx = k % 3 - 1
        dy = k // 3 - 1
        j = wp.clamp(c + dy * across + dx, 0, film.point_rays.shape[0] - 1)
        if c % across + dx >= 0 and c % across + dx < across and film.point_rays[j] != UNKNOWN:
            weight = float((2 - wp.abs(dx)) * (2 - wp.abs(dy))) * plane_weight(hit, film.point_position[j])
            total += weight * film.point_rays[j]
            weights += weight
    film.point_sky[c] = total / weights


@wp.func
def sky_share(world: World, film: Film, i: int, hit: Hit) -> float:
    """Interpolate the sky's share between the four points around a pixel that lie in its plane."""
    across = (world.width + SKY_STEP - 1) // SKY_STEP
    x = float(i % world.width) / float(SKY_STEP)
    y = float(i // world.width) / float(SKY_STEP)
    total = float(0)
    weights = float(0)
    for k in range(4):
        cx = int(x) + k % 2
        cy = int(y) + k // 2
        c = wp.min(cy * across + wp.min(cx, across - 1), film.point_sky.shape[0] - 1)
        if film.point_sky[c] != UNKNOWN:
            near = (1.01 - wp.abs(x - float(cx))) * (1.01 - wp.abs(y - float(cy)))
            weight = near * plane_weight(hit, film.point_position[c])
            total += weight * film.point_sky[c]
            weights += weight
    return wp.where(weights > 0.001, total / weights, 0.8)


@wp.func
def neighbour(i: int, k: int, width: int, count: int) -> int:
    """Return the pixel left of, right of, above or below pixel i (k = 0..3); i itself at the rim or for 4."""
    x = i % width
    if k == 0:
        return i - wp.min(x, 1)
    if k == 1:
        return i + wp.min(width - 1 - x, 1)
    if k == 2 and i >= width:
        return i - width
    if k == 3 and i + width < count:
        return i + width
    return i


@wp.kernel
def measure_sun(world: World, film: Film, phase: int) -> None:
    """Measure the sun's share at the pixels of one colour of a checkerboard (phase 0), then the others (1).

    Where the four neighbours of phase 0 are of one material and agree, the pixel between them needs no ray.
    """
    i = wp.tid()
    if film.seen[i] == MISS or (i % world.width + i // world.width) % 2 != phase:
        return
    paint = paint_at(world, film, i)
    share = float(UNKNOWN)
    if phase == 1:
        share = film.sun[neighbour(i, 0, world.width, film.seen.shape[0])]
        for k in range(4):
            j = neighbour(i, k, world.width, film.seen.shape[0])
            if j == i or paint_at(world, film, j) != paint or film.sun[j] != share:
                share = UNKNOWN
    if share == UNKNOWN:
        share = sun_seen(world, film.seen[i], center_hit(world, film, i))
    film.sun[i] = share


@wp.kernel
def shade_pixels(world: World, film: Film) -> None:
    """Shade every pixel at its centre; film.color stays black where no surface is seen."""
    i = wp.tid()
    film.color[i] = wp.vec3(0.0, 0.0, 0.0)
    film.depth[i] = 0.0
    if film.seen[i] != MISS:
        hit = center_hit(world, film, i)
        film.depth[i] = hit.point[2]
        film.sky[i] = sky_share(world, film, i, hit)
        film.color[i] = shade(world, film.seen[i], hit, wp.vec2(film.sun[i], film.sky[i]))


@wp.func
def contrast(a: wp.vec3, b: wp.vec3) -> float:
    """Return how much two linear colours differ to the eye (difference of square roots)."""
    d0 = wp.abs(wp.sqrt(a[0]) - wp.sqrt(b[0]))
    d1 = wp.abs(wp.sqrt(a[1]) - wp.sqrt(b[1]))
    return wp.max(wp.max(d0, d1), wp.abs(wp.sqrt(a[2]) - wp.sqrt(b[2])))


@wp.func
def is_seam(world: World, film: Film, i: int) -> bool:
    """Return whether a pixel differs from a neighbour in material or sun, or lies on a fold."""
    bend = float(0)
    for k in range(4):
        j = neighbour(i, k, world.width, film.seen.shape[0])
        if paint_at(world, film, j) != paint_at(world, film, i):
            return True
        if film.seen[i] != MISS:
            if film.sun[j] != film.sun[i]:
                return True
            bend += film.depth[j] - film.depth[i]
    return wp.abs(bend) > MAX_BEND * world.pixel_size * film.depth[i]


@wp.kernel
def find_edges(world: World, film: Film) -> None:
    """Mark pixels where surfaces or shadows meet; patterns within a surface are smooth enough as they are."""
    i = wp.tid()
    film.is_edge[i] = wp.uint8(0)
    if is_seam(world, film, i):
        for k in range(4):
            j = neighbour(i, k, world.width, film.seen.shape[0])
            is_rim = (film.seen[j] == MISS) != (film.seen[i] == MISS)
            if is_rim or contrast(film.color[i], film.color[j]) > EDGE_CONTRAST:
                film.is_edge[i] = wp.uint8(1)


@wp.func
def light_around(world: World, film: Film, i: int, paint: int) -> wp.vec2:
    """Return (sun, sky) on one material in and around a pixel; sun UNKNOWN where pixels disagree."""
    sun = float(UNKNOWN)
    sky = float(0)
    count = float(0)
    for k in range(5):
        j = neighbour(i, k, world.width, film.seen.shape[0])
        if paint_at(world, film, j) == paint:
            if count > 0.0 and sun != film.sun[j]:
                sun = UNKNOWN
            elif count == 0.0:
                sun = film.sun[j]
            sky += film.sky[j]
            count += 1.0
    return wp.vec2(sun, wp.where(count > 0.0, sky / wp.max(count, 1.0), 0.8))


@wp.func
def decode(color: wp.vec3) -> wp.vec3:
    """Convert an sRGB colour to linear light."""
    return wp.vec3(srgb_to_linear(color[0]), srgb_to_linear(color[1]), srgb_to_linear(color[2]))


@wp.kernel
def refine_edges(world: World, film: Film, samples: Ints) -> None:
    """Average the centre of a marked pixel with its 2x2 samples (faces in `samples`, four per pixel)."""
    i = wp.tid()
    if film.is_edge[i] == wp.uint8(0):
        return
    total = film.color[i]
    if film.seen[i] == MISS:
        total = decode(film.backdrop[i])
    for k in range(4):
        face = samples[4 * i + k]
        if face == MISS:
            total += decode(film.backdrop[i])
        else:
            hit = hit_face(world, face, sample_ray(world.unproject, world.width, i, k))
            light = light_around(world, film, i, world.face_paint[face])
            if light[0] == UNKNOWN:
                light = wp.vec2(sun_seen(world, face, hit), light[1])
            total += shade(world, face, hit, light)
    film.color[i] = 0.2 * total


@wp.kernel
def encode_pixels(film: Film, image: Bytes) -> None:
    """Write the picture as sRGB bytes, three per pixel; the backdrop alone passes through unchanged."""
    i = wp.tid()
    is_empty = film.seen[i] == MISS and film.is_edge[i] == wp.uint8(0)
    for k in range(3):
        value = wp.clamp(film.backdrop[i][k], 0.0, 1.0)
        if not is_empty:
            value = linear_to_srgb(film.color[i][k])
        image[3 * i + k] = wp.uint8(255.0 * value + 0.5)
