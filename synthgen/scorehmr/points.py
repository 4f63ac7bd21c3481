"""A few points of a body from its pose and shape, with the gradient written out and no other vertex skinned.

A point is a fixed blend of joints and vertices: a landmark, a joint of a data set, a row of any regressor.
For a blend c over vertices v with skinning weights w, linear blend skinning (SMPL, section 3) gathers into
one term per bone k: p = sum_k R_k q_k + a_k (t_k - R_k j_k), q_k = sum_v c_v w_vk r_v, a_k = sum_v c_v w_vk,
with r_v the vertex after shape and pose blending: a row with hundreds of vertices costs as much as its bones.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from synthgen.body import LANDMARK_VERTICES
from synthgen.body_file import BodyArrays
from synthgen.joints import LANDMARK_NAMES, SMPL24, JointSet

_NUM_JOINTS = len(SMPL24)
_FEATURES = 9 * (_NUM_JOINTS - 1)
_LINE = 16  # float32 in a cache line


class SparsePoints(nn.Module):
    """Poses `names` points of one body model.

    Attributes:
        names: of the points.
    """

    base: Tensor
    shape_dirs: Tensor
    pose_dirs: Tensor
    amounts: Tensor
    bones: Tensor
    gather: Tensor
    joints: Tensor
    joint_dirs: Tensor
    descendants: Tensor
    parents: Tensor
    jumps: Tensor

    def __init__(self, body: BodyArrays, names: Sequence[str], rows: NDArray[np.floating]) -> None:
        """Keep what the points need of a body.

        Args:
            body: any SMPL body.
            names: one for each row.
            rows: (P, 24 + V) weights over joints, then vertices; each row sums to 1.

        Raises:
            ValueError: rows of another size, or that do not sum to 1.
        """
        super().__init__()
        self.names = tuple(names)
        num_vertices = len(body.v_template)
        blend: NDArray[np.float64] = np.asarray(rows, np.float64)
        if blend.shape != (len(self.names), _NUM_JOINTS + num_vertices):
            raise ValueError(
                f"rows must be ({len(self.names)}, {_NUM_JOINTS} joints + {num_vertices} vertices), got "
                f"{blend.shape}"
            )
        if np.abs(blend.sum(1) - 1).max(initial=0) > 1e-2:
            raise ValueError("each row of rows must sum to 1: a point is a blend of joints and vertices")
        self._keep_tree(body)
        self._keep_points(body, blend)

    @classmethod
    def of_joint_set(cls, body: BodyArrays, joint_set: JointSet) -> Self:
        """Return the joints of a set, blended of SMPL's joints and landmarks as `joints` says."""
        landmarks = [LANDMARK_VERTICES[name] for name in LANDMARK_NAMES]
        blend = joint_set.point_weights()
        rows = np.zeros((len(joint_set), _NUM_JOINTS + len(body.v_template)))
        rows[:, :_NUM_JOINTS] = blend[:, :_NUM_JOINTS]
        rows[:, [_NUM_JOINTS + vertex for vertex in landmarks]] += blend[:, _NUM_JOINTS:]
        return cls(body, joint_set.names, rows)

    def _keep_tree(self, body: BodyArrays) -> None:
        regressor = body.J_regressor.astype(np.float64)
        self._keep("joints", regressor @ body.v_template)
        self._keep(
            "joint_dirs", _filled_up(np.einsum("jv,vab->jab", regressor, body.shapedirs).reshape(-1, 10))
        )
        parents = np.array(SMPL24.parents)
        parents[0] = 0
        below = np.eye(_NUM_JOINTS)
        for child in range(_NUM_JOINTS - 1, 0, -1):
            below[parents[child]] += below[child]
        self._keep("descendants", below)  # [k, d]: whether joint d is k or hangs on k
        # Row n: the ancestor 2^n joints up; the padding joint 24 stands above the root and does not turn.
        up = np.append(np.where(np.array(SMPL24.parents) < 0, _NUM_JOINTS, parents), _NUM_JOINTS)
        jumps = [up]
        while (jumps[-1] < _NUM_JOINTS).any():
            jumps.append(jumps[-1][jumps[-1]])
        self.register_buffer("jumps", torch.from_numpy(np.stack(jumps[:-1])))
        self.register_buffer("parents", torch.from_numpy(parents))

    def _keep_points(self, body: BodyArrays, rows: NDArray[np.float64]) -> None:
        """Keep one term for each point and bone that it hangs on, joints of the tree with amount 1."""
        on_joints, on_vertices = rows[:, :_NUM_JOINTS], rows[:, _NUM_JOINTS:]
        used = np.flatnonzero(on_vertices.any(0))
        blend, weights = on_vertices[:, used], body.weights[used].astype(np.float64)
        skinned = np.argwhere(blend @ (weights != 0) != 0)
        joints = np.argwhere(on_joints)
        points = np.concatenate([skinned[:, 0], joints[:, 0]])
        bones = np.concatenate([skinned[:, 1], joints[:, 1]])
        shares = blend[skinned[:, 0]] * weights[:, skinned[:, 1]].T  # (terms, used)
        scale = on_joints[joints[:, 0], joints[:, 1]]
        regressor = body.J_regressor[joints[:, 1]].astype(np.float64) * scale[:, None]

        def terms(values: NDArray[np.floating], with_joints: bool) -> NDArray[np.float64]:
            flat = values.reshape(len(values), -1).astype(np.float64)
            tail = regressor @ flat if with_joints else np.zeros((len(joints), flat.shape[1]))
            return np.concatenate([shares @ flat[used], tail])

        count = len(points)
        self._keep("base", _filled_up(terms(body.v_template, True).reshape(1, -1))[0])
        self._keep("shape_dirs", _filled_up(terms(body.shapedirs, True).reshape(3 * count, -1)))
        self._keep("pose_dirs", _filled_up(terms(body.posedirs, False).reshape(3 * count, -1)))
        self._keep("amounts", np.concatenate([shares.sum(1), scale])[:, None])
        self._keep("gather", np.arange(len(rows))[:, None] == points)  # (P, terms)
        self.register_buffer("bones", torch.from_numpy(bones))

    def _keep(self, name: str, value: NDArray[Any]) -> None:
        self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(value, np.float32)))

    def forward(self, rotmat: Tensor, betas: Tensor) -> Tensor:
        """Pose bodies that stand where SMPL puts them without translation; differentiable once.

        Args:
            rotmat: (B, 24, 3, 3) rotations relative to the parent joint, the root's first. The gradient is
                right along rotations, not along matrices that are none.
            betas: (B, 10).

        Returns:
            (B, P, 3) [m], in the frame of the root's rotation.
        """
        return _Skinning.apply(rotmat, betas, self)  # type: ignore[no-untyped-call]

    def rest_pelvis(self, betas: Tensor) -> Tensor:
        """Return where the pelvis of bodies with betas (B, 10) is before any translation: (B, 3) [m]."""
        return self.joints[0] + (betas[:, None] * self.joint_dirs[:3, : betas.shape[1]]).sum(-1)

    def turns(self, rotmat: Tensor) -> Tensor:
        """Return the rotations (B, 24, 3, 3) of the joints against the root's frame, by doubling steps."""
        batch = len(rotmat)
        still = torch.eye(3, device=rotmat.device, dtype=rotmat.dtype).expand(batch, 1, 3, 3)
        turns = torch.cat([rotmat, still], 1)
        for up in self.jumps:
            turns = (turns[:, up].flatten(0, 1) @ turns.flatten(0, 1)).view(batch, -1, 3, 3)
        return turns[:, :_NUM_JOINTS]


def _filled_up(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return a matrix with rows and columns of zeros up to multiples of a cache line of float32.

    Some CPUs' products of few rows take another way where a row begins in the middle of a line, so that the
    last bits of a result would depend on its place in the batch.
    """
    return np.pad(np.asarray(matrix, np.float64), [(0, -size % _LINE) for size in matrix.shape])


def _widened(values: Tensor, width: int) -> Tensor:
    """Return values (B, C) with zeros behind them: (B, width)."""
    return pad(values, (0, width - values.shape[1]))


def _triples(values: Tensor, count: int) -> Tensor:
    """Return the first 3 * count columns of (B, C) as (B, count, 3)."""
    return values[:, : 3 * count].reshape(-1, count, 3)


class _Skinning(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rotmat: Tensor, betas: Tensor, body: SparsePoints) -> Tensor:
        batch = len(rotmat)
        shape = _widened(betas, body.joint_dirs.shape[1])
        joints = body.joints + _triples(shape @ body.joint_dirs.t(), _NUM_JOINTS)
        turns = body.turns(rotmat)
        above = turns[:, body.parents]
        offsets = joints - joints[:, body.parents]
        steps = (above @ offsets[..., None])[..., 0]
        steps[:, 0] = joints[:, 0]
        places = body.descendants.t() @ steps
        bend = rotmat[:, 1:].reshape(batch, -1).clone()
        bend[:, 0::9] -= 1
        bend[:, 4::9] -= 1
        bend[:, 8::9] -= 1
        rest = torch.addmm(body.base, _widened(bend, body.pose_dirs.shape[1]), body.pose_dirs.t())
        rest = _triples(torch.addmm(rest, shape, body.shape_dirs.t()), len(body.bones))
        shifts = places - (turns @ joints[..., None])[..., 0]
        bone_turns = turns[:, body.bones]
        terms = torch.addcmul((bone_turns @ rest[..., None])[..., 0], body.amounts, shifts[:, body.bones])
        ctx.save_for_backward(rotmat, turns, above, joints, offsets, steps, rest, bone_turns)
        ctx.body, ctx.num_betas = body, betas.shape[1]
        return body.gather @ terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        rotmat, turns, above, joints, offsets, steps, rest, bone_turns = ctx.saved_tensors
        body: SparsePoints = ctx.body
        batch = len(rotmat)
        to_terms = body.gather.t() @ gradient
        to_rest = (bone_turns.transpose(-1, -2) @ to_terms[..., None])[..., 0].reshape(batch, -1)
        to_rest = _widened(to_rest, len(body.base))
        bones = body.bones
        to_shifts = turns.new_zeros(batch, _NUM_JOINTS, 3).index_add_(1, bones, to_terms * body.amounts)
        # Rotations: H_k = dE/dR_k R_k^T in the root's frame adds up over what hangs on k.
        outer = to_terms[..., None] * rest[..., None, :]
        direct = turns.new_zeros(batch, _NUM_JOINTS, 3, 3).index_add_(1, bones, outer)
        direct = direct - to_shifts[..., None] * joints[..., None, :]
        own = direct @ turns.transpose(-1, -2)
        forces = body.descendants @ to_shifts
        levers = forces[..., None] * steps[..., None, :]
        levers[:, 0] = 0
        hanging = body.descendants @ (own + levers).flatten(2) - levers.flatten(2)
        above = above.clone()
        above[:, 0] = torch.eye(3, device=above.device, dtype=above.dtype)
        to_rotmat = above.transpose(-1, -2) @ (hanging.view(batch, -1, 3, 3) @ turns)
        to_rotmat[:, 1:] += (to_rest @ body.pose_dirs)[:, :_FEATURES].reshape(batch, -1, 3, 3)
        if not ctx.needs_input_grad[1]:
            return to_rotmat, None, None
        to_joints = -(turns.transpose(-1, -2) @ to_shifts[..., None])[..., 0]
        to_offsets = (above.transpose(-1, -2) @ forces[..., None])[..., 0]
        to_joints = (to_joints + to_offsets).index_add(1, body.parents[1:], -to_offsets[:, 1:])
        to_joints = _widened(to_joints.flatten(1), len(body.joint_dirs))
        to_betas = to_joints @ body.joint_dirs + to_rest @ body.shape_dirs
        return to_rotmat, to_betas[:, : ctx.num_betas], None
