"""Under which licence the models, bodies and renderers stand that drew a picture, as far as known here."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Licence:
    """A licence in words.

    Attributes:
        name: as it is called; "unknown" where nobody here knows.
        page: where to read it.
    """

    name: str
    page: str = ""


UNKNOWN = Licence("unknown: find out before you publish")
_OPEN_RAIL = "https://huggingface.co/spaces/CompVis/stable-diffusion-license"
_OPEN_RAIL_XL = "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md"
_APACHE = "https://www.apache.org/licenses/LICENSE-2.0"

_BY_ROLE = {  # (role, model): what the pattern stands for
    ("body", "open"): Licence("Apache-2.0, from CC0 MakeHuman data", _APACHE),
    ("body", "smpl"): Licence(
        "SMPL body model licence, not for commercial use", "https://smpl.is.tue.mpg.de"
    ),
    ("renderer", "warp"): Licence("Apache-2.0", _APACHE),
    ("renderer", "pyrender"): Licence("MIT", "https://github.com/mmatl/pyrender"),
    ("source", "render"): Licence("Apache-2.0, part of synthgen", _APACHE),
    ("source", "text"): Licence("Apache-2.0, part of synthgen", _APACHE),
    ("source", "pose"): Licence("that of the motions it was given; synthgen's own are Apache-2.0"),
    ("source", "real"): Licence("that of the pictures it was given"),
    ("*", "embedded/*"): Licence("Apache-2.0, trained on pictures that synthgen rendered", _APACHE),
    ("*", "CompVis/stable-diffusion-v1-4"): Licence("CreativeML OpenRAIL-M", _OPEN_RAIL),
    ("*", "*stable-diffusion-2-depth"): Licence("CreativeML OpenRAIL++-M", _OPEN_RAIL),
    ("*", "stabilityai/stable-diffusion-xl-*"): Licence("CreativeML OpenRAIL++-M", _OPEN_RAIL_XL),
    ("*", "diffusers/controlnet-depth-sdxl-1.0"): Licence("CreativeML OpenRAIL++-M", _OPEN_RAIL_XL),
    ("*", "facebook/mask2former-*"): Licence(
        "MIT with parts under Apache-2.0, earlier CC BY-NC 4.0",
        "https://github.com/facebookresearch/Mask2Former",
    ),
    ("*", "usyd-community/vitpose-*"): Licence("Apache-2.0", _APACHE),
    ("mesh", "*hmr2*"): Licence(
        "MIT, trained with SMPL (not for commercial use)", "https://github.com/shubham-goel/4D-Humans"
    ),
    ("prior", "*V02_05*"): Licence("SMPL-X licence, not for commercial use", "https://smpl-x.is.tue.mpg.de"),
    ("prior", "*vposer*"): Licence("SMPL-X licence, not for commercial use", "https://smpl-x.is.tue.mpg.de"),
}


def licence_of(role: str, model: str) -> Licence:
    """Return the licence of what a picture's provenance names; UNKNOWN where nobody here knows it."""
    for (roles, pattern), licence in _BY_ROLE.items():
        if fnmatchcase(role, roles) and fnmatchcase(model, pattern):
            return licence
    return UNKNOWN
