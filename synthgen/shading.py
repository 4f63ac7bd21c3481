"""Shading as Warp device code for both renderers: which face a pixel sees goes in, its colour comes out.

The hit point is recomputed from the pixel's ray and the face, so depth and colour do not depend on who found
the face. All lengths [m] in the OpenCV camera frame; colours are linear light until `encode_pixels`.
"""

from typing import TypeAlias

import warp as wp

from synthgen.patterns import Paint, Paints, albedo

wp.set_module_options({"enable_backward": False})

Floats: TypeAlias = wp.array[wp.float32]
Ints: TypeAlias = wp.array[wp.int32]
Bytes: TypeAlias = wp.array[wp.uint8]
Vectors: TypeAlias = wp.array[wp.vec3]

SHADOW_OFFSET = wp.constant(0.004)  # [m] start of shadow rays above the surface
SHADOW_REACH = wp.constant(60.0)  # [m]
SHOULDER = wp.constant(0.75)  # linear brightness where highlights begin to be compressed
MISS = wp.constant(-1)


@wp.struct
class World:
    """Triangles, materials and light on the device, and the camera that looks at them."""

    mesh: wp.uint64
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
def sunlight(world: World, hit: Hit, normal: wp.vec3) -> float:
    """Return the cosine of the sun, dimmed where something stands in its way."""
    cosine = wp.dot(normal, world.sun_direction)
    if cosine <= 0.0:
        return 0.0
    start = hit.point + SHADOW_OFFSET * hit.normal
    if world.shadow > 0.0 and wp.mesh_query_ray_anyhit(world.mesh, start, world.sun_direction, SHADOW_REACH):
        return cosine * (1.0 - world.shadow)
    return cosine


@wp.func
def gloss(paint: Paint, normal: wp.vec3, view: wp.vec3, sun_direction: wp.vec3) -> float:
    """Return the Blinn-Phong highlight for a dielectric (reflectance 4 %)."""
    half = wp.normalize(sun_direction + view)
    alpha = paint.roughness * paint.roughness
    power = 2.0 / (alpha * alpha) - 1.0
    peak = wp.pow(wp.max(wp.dot(normal, half), 0.0), power)
    return 0.04 * wp.min((power + 8.0) / 25.0, 30.0) * peak


@wp.func
def tone(x: float) -> float:
    """Compress highlights above SHOULDER smoothly towards 1."""
    if x <= SHOULDER:
        return x
    return 1.0 - (1.0 - SHOULDER) * wp.exp(-(x - SHOULDER) / (1.0 - SHOULDER))


@wp.func
def shade(world: World, face: int, ray: wp.vec3) -> wp.vec3:
    """Return the linear, tone-mapped colour of a face where the ray meets it."""
    hit = hit_face(world, face, ray)
    paint = world.paints[world.face_paint[face]]
    normal = shading_normal(world, face, hit, paint.is_smooth)
    view = -wp.normalize(ray)
    facing = wp.max(wp.dot(hit.normal, view), 0.05)
    coordinate = blend(world.coordinates, world.faces, face, hit.weights)
    base = albedo(paint, coordinate, world.pixel_size * hit.point[2] / wp.sqrt(facing))
    sun = sunlight(world, hit, normal)
    sky = wp.lerp(world.bounce, world.sky, 0.5 + 0.5 * wp.dot(normal, world.up))
    matt = wp.cw_mul(base, world.sun * sun + sky)
    shine = world.sun * (sun * gloss(paint, normal, view, world.sun_direction))
    grazing = wp.pow(1.0 - wp.clamp(wp.dot(normal, view), 0.0, 1.0), 5.0)
    polish = (1.0 - paint.roughness) * (1.0 - paint.roughness)
    color = matt + shine + world.sky * (polish * (0.04 + 0.5 * grazing))
    return wp.vec3(tone(color[0]), tone(color[1]), tone(color[2]))


@wp.kernel
def shade_pixels(world: World, seen: Ints, backdrop: Vectors, color: Vectors, depth: Floats) -> None:
    """Shade every pixel at its centre and measure its depth [m]; backdrop and depth 0 where none is seen."""
    i = wp.tid()
    face = seen[i]
    if face == MISS:
        color[i] = backdrop[i]
        depth[i] = 0.0
        return
    ray = pixel_ray(world.unproject, world.width, i, 0.0, 0.0)
    color[i] = shade(world, face, ray)
    depth[i] = hit_face(world, face, ray).point[2]


@wp.kernel
def measure_pixels(world: World, seen: Ints, depth: Floats) -> None:
    """Measure the depth [m] of the face at every pixel's centre; 0 where none is seen."""
    i = wp.tid()
    depth[i] = 0.0
    if seen[i] != MISS:
        depth[i] = hit_face(world, seen[i], pixel_ray(world.unproject, world.width, i, 0.0, 0.0)).point[2]


@wp.func
def contrast(a: wp.vec3, b: wp.vec3) -> float:
    """Return how much two linear colours differ to the eye (difference of square roots)."""
    d0 = wp.abs(wp.sqrt(a[0]) - wp.sqrt(b[0]))
    d1 = wp.abs(wp.sqrt(a[1]) - wp.sqrt(b[1]))
    return wp.max(wp.max(d0, d1), wp.abs(wp.sqrt(a[2]) - wp.sqrt(b[2])))


@wp.kernel
def find_edges(seen: Ints, color: Vectors, width: int, threshold: float, is_edge: Bytes) -> None:
    """Mark pixels that need more samples: those that differ from one of their four neighbours."""
    i = wp.tid()
    height = seen.shape[0] // width
    x = i % width
    y = i // width
    left = i - wp.min(x, 1)
    right = i + wp.min(width - 1 - x, 1)
    above = i - width * wp.min(y, 1)
    below = i + width * wp.min(height - 1 - y, 1)
    nearest = wp.min(wp.min(seen[left], seen[right]), wp.min(seen[above], seen[below]))
    furthest = wp.max(wp.max(seen[left], seen[right]), wp.max(seen[above], seen[below]))
    most = wp.max(contrast(color[i], color[left]), contrast(color[i], color[right]))
    most = wp.max(most, wp.max(contrast(color[i], color[above]), contrast(color[i], color[below])))
    is_edge[i] = wp.uint8(0)
    both_empty = furthest == MISS and seen[i] == MISS
    borders_on_nothing = (nearest == MISS) != (seen[i] == MISS)
    if not both_empty and (borders_on_nothing or most > threshold):
        is_edge[i] = wp.uint8(1)


@wp.kernel
def refine_pixels(world: World, is_edge: Bytes, samples: Ints, backdrop: Vectors, color: Vectors) -> None:
    """Average the centre of a marked pixel with its 2x2 samples (faces in `samples`, four per pixel)."""
    i = wp.tid()
    if is_edge[i] == wp.uint8(0):
        return
    total = color[i]
    for k in range(4):
        face = samples[4 * i + k]
        if face == MISS:
            total += backdrop[i]
        else:
            du = 0.5 * float(k % 2) - 0.25
            dv = 0.5 * float(k // 2) - 0.25
            total += shade(world, face, pixel_ray(world.unproject, world.width, i, du, dv))
    color[i] = 0.2 * total


@wp.func
def linear_to_srgb(x: float) -> float:
    """Encode linear light in [0, 1] as sRGB (IEC 61966-2-1)."""
    y = wp.clamp(x, 0.0, 1.0)
    return wp.where(y <= 0.0031308, 12.92 * y, 1.055 * wp.pow(y, 1.0 / 2.4) - 0.055)


@wp.kernel
def encode_pixels(color: Vectors, image: Bytes) -> None:
    """Write linear colours as sRGB bytes, three per pixel."""
    i = wp.tid()
    for k in range(3):
        image[3 * i + k] = wp.uint8(255.0 * linear_to_srgb(color[i][k]) + 0.5)
