"""The `real` source: real pictures take the place of drafts, few shots of one's own sport for instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synthgen.body import Body
from synthgen.guide import UNKNOWN, Picture, assumed_camera
from synthgen.guides.pictures import DAMAGED, find_pictures
from synthgen.guides.ranges import FOV_DEG, range_problems, size_problems
from synthgen.guides.reading import Complaints, UnreadableError, holds_shards, place_of, require
from synthgen.guides.shelf import Shelf
from synthgen.guides.squares import Fit, square_camera, square_image
from synthgen.render import Renderer
from synthgen.sample import Rejection, Request

Captions = Literal["prompts", "files"]


@dataclass
class RealGuides:
    """Pictures from a folder or from shards, round and round.

    Attributes:
        path: folder of pictures (jpg, png, webp; folders within it count too), or shards of samples: a tar or
            a run folder; local or behind an fsspec URL. Pictures are taken in the order of their names.
        image_size: side of the square pictures [px], a multiple of 8, 64 to 2048.
        fov_deg: vertical field of view assumed for a whole picture, before it is cropped or padded [degrees],
            5 to 120; shards know their cameras.
        fit: how a picture becomes square: crop its middle, or pad it with its own edges.
        captions: prompts takes the prompt of the request; files takes the text beside the picture (a.txt for
            a.jpg), from shards the prompt of the sample.
        family: what the pictures are about, for labels and report ("ski"); free text.
    """

    path: str = "pictures"
    image_size: int = 128
    fov_deg: float = 40.0
    fit: Fit = "crop"
    captions: Captions = "prompts"
    family: str = UNKNOWN

    def problems(self) -> list[str]:
        """Return everything that is wrong with the options, one line each."""
        return [*size_problems(self.image_size), *range_problems(self, {"fov_deg": FOV_DEG})]

    def setup(self, body: Body, renderer: Renderer) -> None:
        """List the pictures.

        Raises:
            FileNotFoundError: there is nothing at `path`.
            ValueError: no picture there, or one without its caption.
        """
        require(self.path, "a folder with pictures, or shards of samples")
        self._complaints = Complaints()
        self._shelf: Shelf | None = None
        if holds_shards(self.path):
            self._shelf = Shelf(self.path, DAMAGED)
            self._shelf.read(0)  # somebody else's tars are found out before the run
        else:
            self._files = find_pictures(self.path, self.captions == "files")

    def __call__(self, requests: Sequence[Request]) -> list[Picture | Rejection]:
        """Return the picture of each request; a damaged one is a rejection."""
        return [self._guide(request) for request in requests]

    def _guide(self, request: Request) -> Picture | Rejection:
        try:
            return self._from_file(request) if self._shelf is None else self._from_shard(request, self._shelf)
        except UnreadableError as error:
            return self._complaints.reject(request, error)

    def _from_file(self, request: Request) -> Picture:
        number = place_of(request) % len(self._files.names)
        image = self._files.picture(number, self.image_size)
        camera = assumed_camera((image.shape[0], image.shape[1]), self.fov_deg)
        try:
            square = square_image(image, self.image_size, self.fit)
        except ValueError as error:
            name = self._files.names[number]
            raise UnreadableError(DAMAGED, f"{name}: {error}") from error
        prompt = self._files.caption(number) if self.captions == "files" else request.prompt
        return Picture(prompt, square, square_camera(camera, self.image_size, self.fit), self.family)

    def _from_shard(self, request: Request, shelf: Shelf) -> Picture:
        sample = shelf.read(place_of(request) % len(shelf))
        shape, size = sample.image.shape, sample.scene.camera.image_size
        if shape[:2] != size:
            found, said = f"{shape[1]}x{shape[0]}", f"{size[1]}x{size[0]}"
            details = f"{self.path}: key {sample.request.key}: picture of {found} px, its record says {said}"
            raise UnreadableError(DAMAGED, details)
        prompt = sample.request.prompt if self.captions == "files" else request.prompt
        return Picture(
            prompt,
            square_image(sample.image, self.image_size, self.fit),
            square_camera(sample.scene.camera, self.image_size, self.fit),
            self.family,
        )
