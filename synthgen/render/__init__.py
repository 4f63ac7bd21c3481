"""Stage -> shaded picture, depth, person masks, visibility; and labels as pictures to look at.

`renderer` draws: `zbuffer` (Warp, no GL) or `rasterize` (pyrender) finds the face that each pixel shows;
`film` runs the kernels of `pixels`, `shading` and `patterns` over what `scenery` has uploaded. `visibility`
measures how much of each joint is seen; `views` colours depth and masks and lays bodies over pictures.
"""

from synthgen.render.renderer import Drawing, FaceFinder, Renderer, make_renderer, resolve_renderer
from synthgen.render.views import colorize_depth, colorize_mask, overlay
from synthgen.render.visibility import joint_visibility

__all__ = [
    "Drawing",
    "FaceFinder",
    "Renderer",
    "colorize_depth",
    "colorize_mask",
    "joint_visibility",
    "make_renderer",
    "overlay",
    "resolve_renderer",
]
