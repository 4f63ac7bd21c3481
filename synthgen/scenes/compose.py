"""The `render` source: a request becomes a drawn scene with its exact labels, or a rejection.

    place and weather -> people, posed in the world -> view -> people, posed anew in the camera's frame
    -> things around and in front -> picture -> camera effects -> caption

Everything is drawn from `request.seed`, each concern from its own stream, so that no request depends on its
neighbours in a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from synthgen.body import Body
from synthgen.render import Drawing, Renderer
from synthgen.sample import MAX_PEOPLE, Rejection, Request, Scene
from synthgen.scenes import poses
from synthgen.scenes.apparatus import apparatus_for
from synthgen.scenes.appearance import APPEARANCES, AppearanceName
from synthgen.scenes.body_map import map_body
from synthgen.scenes.cameras import View, draw_view, fault
from synthgen.scenes.captions import Seen, caption
from synthgen.scenes.figure import Figure
from synthgen.scenes.furnish import occlude, surround
from synthgen.scenes.meshes import Mesh
from synthgen.scenes.people import Casting, Player, draw_other_pose, place_beside
from synthgen.scenes.posing import Posing, pose_together
from synthgen.scenes.settings import Setting, backdrop_of, draw_setting, extent_of, ground_of
from synthgen.scenes.sprays import blend_sprays, sprays_for
from synthgen.scenes.venues import Venue, draw_venue
from synthgen.surface import Float32, Stage, Surface

SMALLEST, LARGEST = 128, 512  # [px]
_PLACE, _PEOPLE, _VIEW, _PROPS, _EFFECTS, _WORDS, _PAINT = range(7)  # streams of a request's seed
_VIEWS = 5  # tries to find a view that shows the subject
_SHOWN, _SHOWN_OTHERS = 0.55, 0.25  # visible part of a silhouette that a picture needs
_LEAST_COVER = 0.012  # part of the picture
_SHOWS = {  # clothes are mentioned where one of these points lies inside the picture
    "trunk": ("spine3",),
    "legs": ("left_knee", "right_knee"),
    "head": ("head",),
}


@dataclass(frozen=True)
class Composition:
    """A drawn scene.

    Attributes:
        prompt: says what is seen.
        scene: camera and people, camera frame.
        drawing: picture after camera effects, depth, masks, visible fractions.
        points: (P, len(POINT_NAMES), 3) [m], camera frame.
        families: pose family of each person.
        actions: and the action.
    """

    prompt: str
    scene: Scene
    drawing: Drawing
    points: Float32
    families: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass
class RenderSource:
    """Pictures of posed, dressed people in rendered scenes.

    Attributes:
        image_size: side of the square pictures [px], 128 to 512.
        families: pose families with their weights.
        max_people: in one picture.
        second_person: probability of one more person, as long as there is room for one.
        occluders: probability of things in front of people, beside what the sport itself needs.
        body_shape: standard deviation of the betas.
        motion_blur: longest smear, as a part of the picture's width; 0 for none.
        sensor_noise: greatest standard deviation at middle grey, as a part of full scale; 0 for none.
        appearance: studio, the looks that the models of the package have learnt; or standin, other places,
            light, clothes, lenses and film that no model is trained on, in place of real pictures.
    """

    image_size: int = 256
    families: dict[str, float] = field(default_factory=lambda: {"everyday": 1.0})
    max_people: int = 2
    second_person: float = 0.2
    occluders: float = 0.2
    body_shape: float = 0.9
    motion_blur: float = 0.04
    sensor_noise: float = 0.025
    appearance: AppearanceName = "studio"

    def __post_init__(self) -> None:
        found = self.problems()
        if found:
            raise ValueError("; ".join(found))

    def problems(self) -> list[str]:
        """Return everything that is wrong with the options, one line each."""
        found = []
        if not SMALLEST <= self.image_size <= LARGEST:
            found.append(f"image_size must be in [{SMALLEST}, {LARGEST}] px, got {self.image_size}")
        known = ", ".join(poses.FAMILIES)
        found += [
            f"families.{name} is no pose family; known: {known}"
            for name in self.families
            if name not in poses.FAMILIES
        ]
        found += [
            f"families.{name} must be a finite weight >= 0, got {weight}"
            for name, weight in self.families.items()
            if not (np.isfinite(weight) and weight >= 0)
        ]
        if not any(weight > 0 for weight in self.families.values()):
            found.append(f"families must give at least one of {known} a weight > 0, got {self.families}")
        if not 1 <= self.max_people <= MAX_PEOPLE:
            found.append(f"max_people must be in [1, {MAX_PEOPLE}], got {self.max_people}")
        limits = {
            "second_person": 1.0,
            "occluders": 1.0,
            "body_shape": 3.0,
            "motion_blur": 0.2,
            "sensor_noise": 0.3,
        }
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= limit:
                found.append(f"{name} must be in [0, {limit:g}], got {value}")
        if self.appearance not in APPEARANCES:
            found.append(f"appearance must be one of {', '.join(APPEARANCES)}, got {self.appearance!r}")
        return found

    def setup(self, body: Body, renderer: Renderer) -> None:
        """Measure the body for its clothes; called once per worker."""
        self._looks = APPEARANCES[self.appearance]
        self._casting = Casting(body, map_body(body), self.body_shape, self._looks.tailors)
        self._renderer = renderer

    def __call__(self, requests: Sequence[Request]) -> list[Composition | Rejection]:
        """Draw a batch; what becomes of a request does not depend on the others."""
        return pose_together([self._compose(request) for request in requests], self._casting.body)

    def _compose(self, request: Request) -> Posing[Composition | Rejection]:
        place, people = (np.random.default_rng([request.seed, stream]) for stream in (_PLACE, _PEOPLE))
        family = self._draw_family(place)
        venue = draw_venue(family, place, self._looks.venues)
        setting = draw_setting(venue, place, self._looks.outdoors)
        players = yield from self._draw_players(family, venue, people)
        reason = ""
        for attempt in range(_VIEWS):
            rng = np.random.default_rng([request.seed, _VIEW, attempt])
            outlines = [player.figure.cloth for player in players]
            view = draw_view(outlines, self.image_size, setting.up, setting.room, rng, self._looks.lens)
            reasons = [fault(view, p.figure.points, p.figure.cloth) for p in players]
            shown = [player for player, why in zip(players, reasons, strict=True) if not why]
            reason = reasons[0]
            if reason:
                continue
            shot = yield from self._shoot(request, setting, view, shown, attempt)
            reason = _hidden(shot.drawing)
            if not reason:
                return shot
        return Rejection(request.key, "compose", reason)

    def _draw_family(self, rng: np.random.Generator) -> str:
        names = sorted(self.families)
        weights = np.array([self.families[name] for name in names], float)
        return names[int(rng.choice(len(names), p=weights / weights.sum()))]

    def _draw_players(self, family: str, venue: Venue, rng: np.random.Generator) -> Posing[list[Player]]:
        pose = poses.draw_pose(family, rng, self._looks.variety)
        players = [(yield from self._casting.player(pose, family, venue.luminance, 0.0, rng))]
        while len(players) < self.max_people and rng.uniform() < self.second_person:
            pose = draw_other_pose(family, rng, self._looks.variety)
            heading = rng.normal(0, 0.5) if family in ("ski", "athletics") else rng.uniform(0, 2 * np.pi)
            other = yield from self._casting.player(pose, family, venue.luminance, heading, rng)
            placed = place_beside(other, players, venue.others_behind, rng)
            if placed is not None:
                players.append(placed)
        return players

    def _shoot(
        self, request: Request, setting: Setting, view: View, players: Sequence[Player], attempt: int
    ) -> Posing[Composition]:
        venue, rng = setting.venue, np.random.default_rng([request.seed, _PROPS, attempt])
        world = [player.figure for player in players]
        figures = yield from self._casting.into_view(world, view)
        highest = max(float(figure.cloth[:, 1].max()) for figure in world)
        hall = setting.hall(view.eye, highest) if venue.is_indoor else None
        extent = extent_of(setting, hall)
        things = [*chain.from_iterable(player.held for player in players)]
        for figure in world:
            things += apparatus_for(figure, rng)
        things += surround(setting, extent, view, world, rng)
        if attempt < 2 and rng.uniform() < self.occluders:
            things += occlude(setting, view, world[0], rng)
        things = self._looks.repaint(things, np.random.default_rng([request.seed, _PAINT]))
        things = [*ground_of(setting, extent), *things]
        stage = Stage(
            camera=view.camera,
            surfaces=(*_bodies(figures), *(thing.surface(view.rotation, view.shift) for thing in things)),
            light=setting.weather.light(view.rotation @ setting.to_sky.T),
            backdrop=backdrop_of(setting, view, hall),
        )
        drawing = self._renderer.draw(stage)
        sprays = [spray for figure in world for spray in sprays_for(figure, rng)]
        image = blend_sprays(drawing.image, drawing.depth, sprays, view, setting.weather.white)
        effects = np.random.default_rng([request.seed, _EFFECTS])
        image = self._looks.develop(image, drawing.mask, self.motion_blur, self.sensor_noise, effects)
        return Composition(
            prompt=_describe(setting, view, world, np.random.default_rng([request.seed, _WORDS])),
            scene=Scene(view.camera, tuple(figure.person for figure in figures), self._casting.body.name),
            drawing=replace(drawing, image=image),
            points=np.stack([figure.points for figure in figures]),
            families=tuple(figure.pose.family for figure in figures),
            actions=tuple(figure.pose.action for figure in figures),
        )


def _bodies(figures: Sequence[Figure]) -> list[Surface]:
    """Return clothed bodies and what stands off them, camera frame, layers 1..P."""
    surfaces = []
    for layer, figure in enumerate(figures, start=1):
        loose: list[Mesh] = [figure.worn(mesh, joint).on_layer(layer) for joint, mesh in figure.outfit.worn]
        surfaces += [figure.surface(layer), *(mesh.surface(np.eye(3), np.zeros(3)) for mesh in loose)]
    return surfaces


def _hidden(drawing: Drawing) -> str:
    """Return why a drawing does not show its people, or ""."""
    if np.mean(drawing.mask == 1) < _LEAST_COVER or drawing.visible[0] < _SHOWN:
        return "person hidden"
    return "other person hidden" if (drawing.visible[1:] < _SHOWN_OTHERS).any() else ""


def _describe(setting: Setting, view: View, figures: Sequence[Figure], rng: np.random.Generator) -> str:
    """Return the caption; of the clothes, only what lies inside the picture."""
    subject = figures[0]
    inside = {
        where
        for where, names in _SHOWS.items()
        if view.holds(np.stack([subject.point(n) for n in names])).any()
    }
    seen = Seen(
        family=subject.pose.family,
        action=subject.pose.action,
        who=subject.outfit.who,
        clothes=tuple(piece.words for piece in subject.outfit.pieces if piece.where in inside),
        verb=subject.pose.verb,
        place=setting.venue.place,
        weather=setting.weather.name,
        others=len(figures) - 1,
    )
    return caption(seen, rng)
