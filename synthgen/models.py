"""All that a worker loads: body, renderer, source and one backend for each role; and how it asks them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from synthgen import __version__
from synthgen.agreement import Verification
from synthgen.backends import MODELS, NAME, SOURCES, build, find
from synthgen.backends.protocols import MeshEstimator, MeshRefiner, PosePrior, Precision
from synthgen.body import Body, load_body
from synthgen.quality import Gate
from synthgen.render import Renderer, make_renderer
from synthgen.sample import Provenance, Request
from synthgen.stages.depth import Conditioning
from synthgen.stages.masks import Masking
from synthgen.stages.prior import Judging
from synthgen.stages.redraw import Redrawing
from synthgen.stopwatch import Stopwatch

logger = logging.getLogger(__name__)

WITNESSES = ("segmenter", "keypoints", "mesh")  # roles that look at the final picture
OPTIONAL = ("prior", "critic")  # taken where there is one


class Source(Protocol):
    """Where pictures start from: a batch of requests in, one guide or rejection for each out."""

    def setup(self, body: Body, renderer: Renderer) -> None:
        """Load what is heavy; called once, in the worker."""

    def __call__(self, requests: Sequence[Request]) -> Sequence[Any]:
        """Answer each with a guide (`synthgen.guide`), a `Composition`, or a `Rejection`.

        What becomes of a request must not depend on the others in the batch.
        """


@dataclass(frozen=True)
class Method:
    """Options of the steps.

    Attributes:
        masks: which people of a picture count.
        prior: limits of the pose prior, and variants of poses.
        depth: how bodies become a depth map, and what is in front of them.
        redraw: how pictures are drawn anew.
        verify: limits that a redrawn picture must keep.
        quality: limits of the gate that every picture has to pass.
    """

    masks: Masking = field(default_factory=Masking)
    prior: Judging = field(default_factory=Judging)
    depth: Conditioning = field(default_factory=Conditioning)
    redraw: Redrawing = field(default_factory=Redrawing)
    verify: Verification = field(default_factory=Verification)
    quality: Gate = field(default_factory=Gate)

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        return [
            f"{name}.{problem}"
            for name in ("masks", "prior", "depth", "redraw", "verify", "quality")
            for problem in getattr(self, name).problems()
        ]


@dataclass(frozen=True)
class ModelChoice:
    """Which models to load; plain values that travel to the workers.

    Attributes:
        body: "open" or the path of an SMPL file.
        renderer: "warp" or "pyrender".
        device: "cpu" or "cuda".
        source: node of the picture source, {"backend": name, option: value, …}.
        method: options of the steps.
        config_hash: of the run, for the record.
        nodes: backend node of each role; those that the source and the method do not need stay unloaded.
        precision: of the networks.
        keep_drafts: store what pictures were redrawn from.
    """

    body: str
    renderer: str
    device: str
    source: Mapping[str, Any]
    method: Method
    config_hash: str
    nodes: Mapping[str, Any] = field(default_factory=dict)
    precision: Precision = "float32"
    keep_drafts: bool = False


def _call_here(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


@dataclass(frozen=True)
class Models:
    """All that `make_samples` needs, loaded once per worker.

    Attributes:
        body: turns SMPL parameters into points.
        renderer: draws depth.
        source: says what requests start from.
        options: of the steps.
        provenance: written into every sample.
        roles: backends that are set up, by role.
        keep_drafts: store what pictures were redrawn from.
        clock: adds up seconds by stage.
        call: calls a function where the networks live; here, unless they have a thread of their own.
    """

    body: Body
    renderer: Renderer
    source: Source
    options: Method
    provenance: Provenance
    roles: Mapping[str, Any] = field(default_factory=dict)
    keep_drafts: bool = False
    clock: Stopwatch = field(default_factory=Stopwatch)
    call: Callable[..., Any] = _call_here
    _halved: set[str] = field(default_factory=set)

    @property
    def prior(self) -> PosePrior | None:
        """The pose prior, where there is one."""
        return self.roles.get("prior")

    @property
    def refiner(self) -> MeshRefiner | None:
        """The mesh refiner, where there is one."""
        return self.roles.get("refiner")

    @property
    def mesh(self) -> MeshEstimator:
        """The mesh estimator."""
        return self.roles["mesh"]

    def ask(self, role: str, *questions: Any) -> Any:
        """Call a backend; where a GPU's memory runs out, halve its batch, once in its life, and say so."""
        return self.call(self._ask, role, *questions)

    def _ask(self, role: str, *questions: Any) -> Any:
        backend = self.roles[role]
        try:
            return backend(*questions)
        except RuntimeError as error:
            if not _is_out_of_memory(error) or role in self._halved or getattr(backend, "batch_size", 1) < 2:
                raise
        self._halved.add(role)
        backend.batch_size //= 2
        logger.warning("%s: out of GPU memory; from now on %d at once", role, backend.batch_size)
        _free_memory()
        return backend(*questions)


def roles_needed(source: str, method: Method) -> tuple[str, ...]:
    """Return the roles that must be filled for pictures of a source; the optional ones are not among them."""
    needed: tuple[str, ...] = ()
    if source in ("real", "pose") or method.redraw.renders:
        needed = ("redraw", *WITNESSES)
    elif source == "text":
        needed = ("draft", "redraw", *WITNESSES)
    elif method.verify.renders:
        needed = WITNESSES
    if needed and method.verify.on_mismatch == "rectify":
        needed += ("refiner",)
    if needed and (method.prior.variants > 1 or method.prior.easy != "redraw"):
        needed += ("prior",)
    return needed


def role_problems(source: str, method: Method, nodes: Mapping[str, Any]) -> list[str]:
    """Return a message for each role that is needed and not filled."""
    return [
        f"models.{role} is needed with source.backend={source}: set models=embedded or another preset, or "
        f"models.{role}.{NAME}=…"
        for role in roles_needed(source, method)
        if role not in nodes
    ]


def load_models(choice: ModelChoice) -> Models:
    """Load body, renderer, source and models.

    Raises:
        ValueError: an unknown name or option, or models that do not fit each other.
        FileNotFoundError: a file of the choice does not exist here.
    """
    source_name = str(choice.source[NAME])
    if problems := role_problems(source_name, choice.method, choice.nodes):
        raise ValueError("; ".join(problems))
    body = load_body(choice.body)
    renderer = make_renderer(choice.renderer, "cuda:0" if choice.device == "cuda" else choice.device)
    source: Source = build(SOURCES, choice.source)
    roles = {
        role: build(MODELS[role], _node(role, choice), f"models.{role}")
        for role in _wanted(source_name, choice)
    }
    if "mesh" in roles and roles["mesh"].body != body.name:
        raise ValueError(
            f"models.mesh.body is {roles['mesh'].body}, but body={choice.body} is {body.name}: estimator and "
            "labels must share one body model (body=open, or body=path of an SMPL file)"
        )
    for backend in roles.values():
        backend.setup(choice.device, choice.precision)
    source.setup(body, renderer)
    names = {role: str(choice.nodes[role].get("id", choice.nodes[role][NAME])) for role in roles}
    provenance = Provenance(
        models={"source": source_name, "body": body.name, "renderer": renderer.name, **names},
        revisions={
            "source": __version__,
            "body": body.revision,
            "renderer": renderer.revision,
            **{role: backend.version for role, backend in roles.items()},
        },
        config_hash=choice.config_hash,
        synthgen_version=__version__,
    )
    return Models(body, renderer, source, choice.method, provenance, roles, choice.keep_drafts)


def _node(role: str, choice: ModelChoice) -> Mapping[str, Any]:
    """Return a role's node; a refiner that has a key `body` fits the bodies of the run."""
    node = choice.nodes[role]
    if role != "refiner":
        return node
    fields = find(MODELS[role], node.get(NAME), f"models.{role}").__dataclass_fields__
    return {"body": choice.body, **node} if "body" in fields else node


def _wanted(source: str, choice: ModelChoice) -> list[str]:
    """Return the roles to load; for a source of one's own, which may hand out anything, all there are."""
    needed = roles_needed(source, choice.method)
    if source not in SOURCES:
        return [role for role in MODELS if role in choice.nodes]
    return [
        role for role in MODELS if role in choice.nodes and (role in needed or (needed and role in OPTIONAL))
    ]


def _is_out_of_memory(error: RuntimeError) -> bool:
    import torch

    return isinstance(error, torch.cuda.OutOfMemoryError)


def _free_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
