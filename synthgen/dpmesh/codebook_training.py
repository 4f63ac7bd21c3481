"""How the pose codebook is trained: reconstruction, commitment, and codes that follow what is encoded.

Codes are running means of the features they stand for (van den Oord et al., NeurIPS 2017, appendix A.1).
Those that hardly anything is near to start anew at a feature (as in Jukebox, Dhariwal et al., 2020). All
chance of a step follows from its seed. Workers share the codes: each sees what all have encoded.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from synthgen.body_points import BodyPoints
from synthgen.dpmesh.codebook import CodebookConfig, Coded, PoseCodebook
from synthgen.joints import SMPL24
from synthgen.metrics import MM_PER_M
from synthgen.training import peers

_SMOOTHING = 1e-5
_CHUNK = 1024  # poses measured at a time


@dataclass(frozen=True)
class CodebookOptions:
    """Training of the pose codebook; weights are those of mean squared differences unless they say otherwise.

    Attributes:
        sizes: of the codebook.
        rotations: weight of the squared differences of rotation matrices, summed over a joint.
        joints: weight of the distances of joints [m], of a body of mean shape; 0 for none.
        commitment: weight of what keeps features near their codes.
        decay: of the running means.
        least_use: part of the mean use of a code below which a code starts anew.
        mirror: show half of the poses left-right mirrored.
        keep_root: learn root rotations too; else the root stays at identity, which costs no codes.
    """

    sizes: CodebookConfig = field(default_factory=CodebookConfig)
    rotations: float = 1.0
    joints: float = 1.0
    commitment: float = 0.25
    decay: float = 0.99
    least_use: float = 0.03
    mirror: bool = True
    keep_root: bool = False

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found = [
            f"{name} must be at least 0, got {getattr(self, name)}"
            for name in ("rotations", "joints", "commitment")
            if not getattr(self, name) >= 0
        ]
        found += [
            f"{name} must be in [0, 1), got {getattr(self, name)}"
            for name in ("decay", "least_use")
            if not 0 <= getattr(self, name) < 1
        ]
        return found


class CodebookLearner(nn.Module):
    """A codebook with all that its training has to remember besides the optimiser.

    Attributes:
        codebook: what is trained.
        uses: (K,) running mean of how often each code is the nearest in a batch.
        sums: (K, D) running mean of the sum of the features it is nearest to.
        is_begun: (1,) whether the codes lie at features yet.
    """

    uses: Tensor
    sums: Tensor
    is_begun: Tensor

    def __init__(self, options: CodebookOptions, points: BodyPoints) -> None:
        """Build with weights from torch's own generator; `points` is the body of the joints' loss."""
        super().__init__()
        self.options = options
        self.codebook = PoseCodebook(options.sizes)
        self._points = [points]  # in a list: its buffers are no weights
        self.register_buffer("uses", torch.ones(options.sizes.codes))
        self.register_buffer("sums", self.codebook.codes.clone())
        self.register_buffer("is_begun", torch.zeros(1))

    def forward(self, rotmat: Tensor, seed: int) -> dict[str, Tensor]:
        """Return the losses of a batch; in training mode, let the codes follow it.

        Args:
            rotmat: (B, 24, 3, 3), each relative to the parent joint, the root's first.
            seed: of all chance of this step.

        Returns:
            Scalars: "loss" to lower, and without gradients its parts "rotations", "joints" [m] and
            "commitment", the error "degrees", and "codes" in use in this batch.
        """
        generator = torch.Generator().manual_seed(seed)
        rotmat = self.prepared(rotmat, generator)
        if self.training and not bool(self.is_begun):
            self._begin(self.codebook.encode(rotmat), generator)
        coded = self.codebook(rotmat)
        parts = self._losses(coded, rotmat)
        options = self.options
        loss = options.rotations * parts["rotations"] + options.joints * parts["joints"]
        loss = loss + options.commitment * parts["commitment"]
        with torch.no_grad():
            degrees = torch.rad2deg(angles_between(coded.rotmat, rotmat)).mean()
            codes = torch.tensor(float(coded.tokens.unique().numel()), device=rotmat.device)
            if self.training:
                self._follow(coded, generator)
        figures = {name: value.detach() for name, value in parts.items()}
        return {"loss": loss, **figures, "degrees": degrees, "codes": codes}

    def joints(self, rotmat: Tensor) -> Tensor:
        """Return SMPL's joints (B, 24, 3) [m] of bodies of mean shape, pelvis at the origin."""
        points = self._points[0].to(rotmat.device)
        joints = points(rotmat, rotmat.new_zeros(len(rotmat), 10))[:, : len(SMPL24)]
        return joints - joints[:, :1]

    def prepared(self, rotmat: Tensor, generator: torch.Generator) -> Tensor:
        """Return rotations as they are learned: some mirrored in training mode, the root at identity."""
        if self.options.mirror and self.training:
            which = torch.rand(len(rotmat), generator=generator).to(rotmat.device) < 0.5
            rotmat = torch.where(which[:, None, None, None], mirrored(rotmat), rotmat)
        if not self.options.keep_root:
            root = torch.eye(3, device=rotmat.device).expand(len(rotmat), 1, 3, 3)
            rotmat = torch.cat([root, rotmat[:, 1:]], 1)
        return rotmat

    def _losses(self, coded: Coded, rotmat: Tensor) -> dict[str, Tensor]:
        with torch.autocast(rotmat.device.type, enabled=False):
            found = coded.rotmat.float()
            squared = ((found - rotmat) ** 2).sum((-2, -1)).mean()
            distances = torch.linalg.vector_norm(self.joints(found) - self.joints(rotmat) + 1e-9, dim=-1)
            commitment = ((coded.features.float() - coded.codes.float().detach()) ** 2).mean()
        return {"rotations": squared, "joints": distances.mean(), "commitment": commitment}

    @torch.no_grad()
    def _begin(self, features: Tensor, generator: torch.Generator) -> None:
        """Put every code at a feature of the first batch, a little beside it where there are too few."""
        codes = self.codebook.codes
        rows = features.flatten(0, 1).float()
        chosen = _some_rows(rows, len(codes), generator)
        beside = torch.randn(chosen.shape, generator=generator).to(rows.device) * rows.std(0) * 0.01
        codes.copy_(_of_first_worker(chosen + beside))
        self.uses.fill_(features.shape[0] * features.shape[1] / len(codes))
        self.sums.copy_(codes * self.uses[:, None])
        self.is_begun.fill_(1)

    def _follow(self, coded: Coded, generator: torch.Generator) -> None:
        rows, tokens = coded.features.detach().float().flatten(0, 1), coded.tokens.flatten()
        decay, codes = self.options.decay, self.codebook.codes
        uses = torch.zeros_like(self.uses).index_add_(0, tokens, torch.ones_like(rows[:, 0]))
        sums = torch.zeros_like(self.sums).index_add_(0, tokens, rows)
        self.uses.lerp_(peers.mean({"uses": uses})["uses"], 1 - decay)
        self.sums.lerp_(peers.mean({"sums": sums})["sums"], 1 - decay)
        mean_use = len(rows) / len(codes)
        is_dead = self.uses < self.options.least_use * mean_use
        fresh = _of_first_worker(_some_rows(rows, len(codes), generator))
        self.uses.copy_(torch.where(is_dead, mean_use, self.uses))
        self.sums.copy_(torch.where(is_dead[:, None], fresh * mean_use, self.sums))
        codes.copy_(self.sums / (self.uses + _SMOOTHING)[:, None])


@torch.no_grad()
def measure(learner: CodebookLearner, rotmat: Tensor) -> dict[str, float]:
    """Return how well poses (N, 24, 3, 3) come back and how many codes they need.

    Returns:
        "degrees" and "mm", means over joints without the root, pelvis together, mean shape; "usage", part of
        the codes that any pose needs; "perplexity", how many codes used alike would be as informative.
    """
    was_training = learner.training
    learner.eval()
    degrees, mm, uses = [], [], torch.zeros(learner.options.sizes.codes)
    for chunk in torch.split(rotmat, _CHUNK):
        true = learner.prepared(chunk.to(learner.uses.device), torch.Generator())
        coded = learner.codebook(true)
        degrees.append(torch.rad2deg(angles_between(coded.rotmat, true))[:, 1:].mean(1).cpu())
        gap = torch.linalg.vector_norm(learner.joints(coded.rotmat) - learner.joints(true), dim=-1)
        mm.append(MM_PER_M * gap[:, 1:].mean(1).cpu())
        uses += torch.bincount(coded.tokens.flatten().cpu(), minlength=len(uses))
    learner.train(was_training)
    part = uses / uses.sum()
    return {
        "degrees": float(torch.cat(degrees).mean()),
        "mm": float(torch.cat(mm).mean()),
        "usage": float((uses > 0).float().mean()),
        "perplexity": float(torch.special.entr(part).sum().exp()),
    }


def angles_between(found: Tensor, true: Tensor) -> Tensor:
    """Return the angles (...) [rad] between rotation matrices (..., 3, 3); without gradients near 0."""
    chord = torch.linalg.matrix_norm(found.float() - true.float()) / (2 * 2**0.5)
    return 2 * torch.asin(chord.clamp(max=1))


def mirrored(rotmat: Tensor) -> Tensor:
    """Mirror poses (B, 24, 3, 3) left to right."""
    signs = torch.tensor([-1.0, 1.0, 1.0], device=rotmat.device)
    return rotmat[:, list(SMPL24.flip_permutation())] * (signs[:, None] * signs)


def _of_first_worker(value: Tensor) -> Tensor:
    if peers.count() > 1:
        torch.distributed.broadcast(value, 0)
    return value


def _some_rows(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    return rows[torch.randint(len(rows), (count,), generator=generator).to(rows.device)]
