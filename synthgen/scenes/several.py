"""One posed person seen by several cameras at once, or by one camera while they move: for measuring fits.

Scenes are those of the `render` source; only who stands where is decided here. Single people, no occluders of
chance beyond what the source itself draws.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from synthgen.geometry import Array
from synthgen.sample import Request
from synthgen.scenes import poses
from synthgen.scenes.cameras import View, draw_view, fault
from synthgen.scenes.compose import Composition, RenderSource
from synthgen.scenes.people import Player
from synthgen.scenes.poses import DrawnPose
from synthgen.scenes.posing import Posing, pose_alone
from synthgen.scenes.settings import Setting, draw_setting
from synthgen.scenes.venues import draw_venue

_PLACE, _PERSON, _VIEW, _MOTION = 0x5E7E, 0x5E7F, 0x5E80, 0x5E81  # streams of a request's seed
_TRIES = 12  # views drawn for each that is wanted
KEYS = 3  # library poses that a clip passes through


@dataclass(frozen=True)
class Shot:
    """A picture of several.

    Attributes:
        composition: picture with its truth, camera frame.
        rotation: (3, 3) world to camera; the world is the same for all shots of a request.
        shift: (3,) [m]; camera = rotation @ world + shift.
    """

    composition: Composition
    rotation: Array
    shift: Array


def shoot_views(source: RenderSource, request: Request, count: int) -> list[Shot]:
    """Draw one moment from `count` cameras around it; fewer where the place has no more good views.

    Args:
        source: set up; one of its families is drawn.
        request: its seed decides everything.
        count: cameras.
    """
    return pose_alone(_views(source, request, count), source._casting.body)


def shoot_clip(source: RenderSource, request: Request, count: int) -> list[Shot]:
    """Draw `count` frames of a movement before one camera; none where no view shows all of it.

    The person passes through `KEYS` poses of one action, evenly in time, joints turning along great circles.
    """
    return pose_alone(_clip(source, request, count), source._casting.body)


def moving(keys: list[DrawnPose], count: int) -> list[DrawnPose]:
    """Return `count` poses that pass smoothly through some poses, from the first to the last."""
    times = np.linspace(0, len(keys) - 1, count)
    eased = np.floor(times) + _ease(times - np.floor(times))
    body = np.stack([key.body_pose for key in keys])
    joints = [_turned(body[:, joint], eased) for joint in range(body.shape[1])]
    root = _turned(np.stack([key.global_orient for key in keys]), eased)
    return [
        replace(keys[0], global_orient=root[frame], body_pose=np.stack([joint[frame] for joint in joints]))
        for frame in range(count)
    ]


def _turned(rotvecs: Array, times: Array) -> Array:
    return np.asarray(Slerp(np.arange(len(rotvecs)), Rotation.from_rotvec(rotvecs))(times).as_rotvec())


def _ease(part: Array) -> Array:
    """Start and stop softly at each pose: 3 p² - 2 p³."""
    return part**2 * (3 - 2 * part)


def _place(source: RenderSource, request: Request) -> tuple[str, Setting]:
    rng = np.random.default_rng([request.seed, _PLACE])
    family = source._draw_family(rng)
    return family, draw_setting(draw_venue(family, rng), rng)


def _player(source: RenderSource, request: Request, pose: DrawnPose, setting: Setting) -> Posing[Player]:
    rng = np.random.default_rng([request.seed, _PERSON])  # the same shape and clothes in every frame
    return source._casting.player(pose, pose.family, setting.venue.luminance, 0.0, rng)


def _views(source: RenderSource, request: Request, count: int) -> Posing[list[Shot]]:
    family, setting = _place(source, request)
    pose = poses.draw_pose(family, np.random.default_rng([request.seed, _MOTION]))
    player = yield from _player(source, request, pose, setting)
    shots: list[Shot] = []
    for attempt in range(_TRIES * count):
        view = _drawn_view(source, request, setting, player, attempt)
        if len(shots) < count and not fault(view, player.figure.points, player.figure.cloth):
            made = yield from source._shoot(request, setting, view, [player], attempt)
            if not _is_hidden(made):
                shots.append(Shot(made, view.rotation, view.shift))
    return shots


def _clip(source: RenderSource, request: Request, count: int) -> Posing[list[Shot]]:
    family, setting = _place(source, request)
    rng = np.random.default_rng([request.seed, _MOTION])
    first = poses.draw_pose(family, rng)
    keys = [first, *(poses.draw_action(family, first.action, rng) for _ in range(KEYS - 1))]
    players: list[Player] = []
    for pose in moving(keys, count):
        players.append((yield from _player(source, request, pose, setting)))
    ends = players[0], players[count // 2], players[-1]
    for attempt in range(_TRIES):
        view = _drawn_view(source, request, setting, ends[1], attempt)
        if any(fault(view, one.figure.points, one.figure.cloth) for one in ends):
            continue
        shots: list[Shot] = []
        for player in players:
            made = yield from source._shoot(request, setting, view, [player], attempt)
            shots.append(Shot(made, view.rotation, view.shift))
        if not any(_is_hidden(shot.composition) for shot in shots):
            return shots
    return []


def _drawn_view(
    source: RenderSource, request: Request, setting: Setting, player: Player, attempt: int
) -> View:
    rng = np.random.default_rng([request.seed, _VIEW, attempt])
    return draw_view([player.figure.cloth], source.image_size, setting.up, setting.room, rng)


def _is_hidden(made: Composition) -> bool:
    return bool(made.drawing.visible[0] < 0.5 or not (made.drawing.mask == 1).any())
