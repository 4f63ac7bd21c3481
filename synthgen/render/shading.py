"""Shading as Warp device code for both renderers: which face a pixel sees goes in, its colour comes out.

The hit point is recomputed from the pixel's ray and the face, so depth and colour do not depend on who found
the face. All lengths [m] in the OpenCV camera frame; colours are linear light. A light's colours are linear
intensities: matt white that faces a sun of (1, 1, 1) has brightness 1, before highlights are compressed.
"""

from typing import TypeAlias

import warp as wp

from synthgen.render.patterns import Paint, Paints, albedo

wp.set_module_options({"enable_backward": False})

Ints: TypeAlias = wp.array[wp.int32]
Vectors: TypeAlias = wp.array[wp.vec3]

SHADOW_OFFSET = wp.constant(0.004)  # [m] start of shadow rays above the surface
SHADOW_REACH = wp.constant(60.0)  # [m]
SHOULDER = wp.constant(0.75)  # linear brightness where highlights begin to be compressed
MISS = wp.constant(-1)
SKY_RAYS = wp.constant(6)  # per point where the sky's share is measured
GOLDEN = wp.constant(0.381966)  # [turns] from one ray to the next: evenly spread over the hemisphere (Vogel)
SKY_REACH = wp.constant(0.5)  # [m] their length


@wp.struct
class World:
    """Triangles, materials and light on the device, and the camera that looks at them."""

    mesh: wp.uint64  # search tree, in a frame of its own
    turn: wp.mat33  # rotation to that frame
    vertices: Vectors
    normals: Vectors
    coordinates: Vectors
    faces: Ints
    face_paint: Ints
    paints: Paints
    unproject: wp.mat33
    width: wp.int32
    pixel_size: wp.float32
    sun_direction: wp.vec3
    sun: wp.vec3
    sky: wp.vec3
    bounce: wp.vec3
    up: wp.vec3
    shadow: wp.float32


@wp.struct
class Hit:
    """Where a ray meets a face: barycentric weights and the point itself."""

    weights: wp.vec3
    point: wp.vec3
    normal: wp.vec3


@wp.func
def pixel_ray(unproject: wp.mat33, width: int, pixel: int, du: float, dv: float) -> wp.vec3:
    """Return the ray (z = 1) through a pixel's centre plus an offset [px]."""
    return unproject * wp.vec3(float(pixel % width) + du, float(pixel // width) + dv, 1.0)


@wp.func
def sample_ray(unproject: wp.mat33, width: int, pixel: int, k: int) -> wp.vec3:
    """Return the ray (z = 1) through the k-th of a pixel's 2x2 samples, rows first."""
    return pixel_ray(unproject, width, pixel, 0.5 * float(k % 2) - 0.25, 0.5 * float(k // 2) - 0.25)


@wp.func
def corner(world: World, face: int, k: int) -> wp.vec3:
    """Return a corner of a face."""
    return world.vertices[world.faces[3 * face + k]]


@wp.func
def hit_face(world: World, face: int, ray: wp.vec3) -> Hit:
    """Intersect the ray from the camera's centre with a face, kept inside the face (Moeller and Trumbore)."""
    a = corner(world, face, 0)
    ab = corner(world, face, 1) - a
    ac = corner(world, face, 2) - a
    p = wp.cross(ray, ac)
    det = wp.dot(ab, p)
    scale = wp.where(wp.abs(det) > 1.0e-20, 1.0 / det, 0.0)
    q = wp.cross(-a, ab)
    u = wp.clamp(-wp.dot(a, p) * scale, 0.0, 1.0)
    v = wp.clamp(wp.dot(ray, q) * scale, 0.0, 1.0 - u)
    hit = Hit()
    hit.weights = wp.vec3(1.0 - u - v, u, v)
    hit.point = a + u * ab + v * ac
    normal = wp.normalize(wp.cross(ab, ac))
    hit.normal = wp.where(wp.dot(normal, ray) > 0.0, -normal, normal)
    return hit


@wp.func
def blend(values: Vectors, faces: Ints, face: int, weights: wp.vec3) -> wp.vec3:
    """Interpolate a vertex quantity inside a face."""
    a = values[faces[3 * face]] * weights[0]
    b = values[faces[3 * face + 1]] * weights[1]
    return a + b + values[faces[3 * face + 2]] * weights[2]


@wp.func
def shading_normal(world: World, face: int, hit: Hit, is_smooth: int) -> wp.vec3:
    """Return the normal to shade with, on the viewer's side of the face."""
    if is_smooth == 0:
        return hit.normal
    normal = wp.normalize(blend(world.normals, world.faces, face, hit.weights))
    return wp.where(wp.dot(normal, hit.normal) < 0.0, -normal, normal)


@wp.func
def meets_something(world: World, hit: Hit, direction: wp.vec3, reach: float) -> bool:
    """Return whether a ray that leaves a surface meets another within its reach [m]."""
    start = world.turn * (hit.point + SHADOW_OFFSET * hit.normal)
    return wp.mesh_query_ray_anyhit(world.mesh, start, world.turn * direction, reach)


@wp.func
def sun_seen(world: World, face: int, hit: Hit) -> float:
    """Return what of the sun reaches a point: 1, or less where something stands in its way."""
    paint = world.paints[world.face_paint[face]]
    normal = shading_normal(world, face, hit, paint.is_smooth)
    if world.shadow <= 0.0 or wp.dot(normal, world.sun_direction) <= 0.0:
        return 1.0
    if meets_something(world, hit, world.sun_direction, SHADOW_REACH):
        return 1.0 - world.shadow
    return 1.0


@wp.func
def gloss(paint: Paint, normal: wp.vec3, view: wp.vec3, sun_direction: wp.vec3) -> float:
    """Return the Blinn-Phong highlight for a dielectric (reflectance 4 %)."""
    if paint.roughness > 0.95:
        return 0.0
    half = wp.normalize(sun_direction + view)
    alpha = paint.roughness * paint.roughness
    power = 2.0 / (alpha * alpha) - 1.0
    peak = wp.pow(wp.max(wp.dot(normal, half), 0.0), power)
    return 0.04 * wp.min((power + 8.0) / 25.0, 30.0) * peak


@wp.func
def open_sky(world: World, hit: Hit, turn: float) -> float:
    """Return the part of short rays into the hemisphere above a point that meet nothing, weighted by cosine.

    Args:
        world: what rays may meet.
        hit: the point.
        turn: by which the pattern is rotated about the normal, in steps of its rays, 0..1.
    """
    n = hit.normal
    helper = wp.where(wp.abs(n[0]) < 0.6, wp.vec3(1.0, 0.0, 0.0), wp.vec3(0.0, 1.0, 0.0))
    tangent = wp.normalize(wp.cross(n, helper))
    bitangent = wp.cross(n, tangent)
    free = float(0)
    for k in range(SKY_RAYS):
        angle = wp.tau * (GOLDEN * float(k) + turn / float(SKY_RAYS))
        radius = wp.sqrt((float(k) + 0.5) / float(SKY_RAYS))
        flat = radius * (wp.cos(angle) * tangent + wp.sin(angle) * bitangent)
        if not meets_something(world, hit, flat + wp.sqrt(1.0 - radius * radius) * n, SKY_REACH):
            free += 1.0
    return free / float(SKY_RAYS)


@wp.func
def tone(x: float) -> float:
    """Compress highlights above SHOULDER smoothly towards 1."""
    if x <= SHOULDER:
        return x
    return 1.0 - (1.0 - SHOULDER) * wp.exp(-(x - SHOULDER) / (1.0 - SHOULDER))


@wp.func
def shade(world: World, face: int, hit: Hit, light: wp.vec2) -> wp.vec3:
    """Return the linear, tone-mapped colour of a face at a point; light = (sun, sky) reaching it, 0..1."""
    paint = world.paints[world.face_paint[face]]
    normal = shading_normal(world, face, hit, paint.is_smooth)
    view = -wp.normalize(hit.point)
    facing = wp.max(wp.dot(hit.normal, view), 0.05)
    coordinate = blend(world.coordinates, world.faces, face, hit.weights)
    base = albedo(paint, coordinate, world.pixel_size * hit.point[2] / wp.sqrt(facing))
    sun = light[0] * wp.max(wp.dot(normal, world.sun_direction), 0.0)
    sky = light[1] * wp.lerp(world.bounce, world.sky, 0.5 + 0.5 * wp.dot(normal, world.up))
    matt = wp.cw_mul(base, world.sun * sun + sky)
    shine = world.sun * 0.0
    if sun > 0.0:
        shine = world.sun * (sun * gloss(paint, normal, view, world.sun_direction))
    edge_on = 1.0 - wp.clamp(wp.dot(normal, view), 0.0, 1.0)
    grazing = edge_on * edge_on * edge_on * edge_on * edge_on
    polish = (1.0 - paint.roughness) * (1.0 - paint.roughness)
    color = matt + shine + world.sky * (light[1] * polish * (0.04 + 0.5 * grazing))
    return wp.vec3(tone(color[0]), tone(color[1]), tone(color[2]))


@wp.func
def linear_to_srgb(x: float) -> float:
    """Encode linear light in [0, 1] as sRGB (IEC 61966-2-1)."""
    y = wp.clamp(x, 0.0, 1.0)
    return wp.where(y <= 0.0031308, 12.92 * y, 1.055 * wp.pow(y, 1.0 / 2.4) - 0.055)


@wp.func
def srgb_to_linear(x: float) -> float:
    """Decode sRGB in [0, 1] to linear light."""
    y = wp.clamp(x, 0.0, 1.0)
    return wp.where(y <= 0.04045, y / 12.92, wp.pow((y + 0.055) / 1.055, 2.4))
