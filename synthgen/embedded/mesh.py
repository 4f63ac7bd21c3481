"""The step `mesh`: HMR2 at small size, taught everyday people only.

Sports stay out on purpose: they are to be as new to it as they are to the models that people download.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthgen import crop_moves
from synthgen.backends.crop_camera import CROP_SIZE, FOCAL_LENGTH, crop_translation
from synthgen.backends.hmr2 import HMR2, HMR2Config, HMR2Output
from synthgen.backends.mesh_decoder import START_CAM, DecoderConfig, Estimate
from synthgen.backends.rotations import nearest_rotation, rotmat_to_rot6d
from synthgen.backends.vit import ViTConfig
from synthgen.body import OPEN_FILE
from synthgen.body_file import read_body_file
from synthgen.body_points import BodyPoints, blend
from synthgen.embedded import crops, earlier, grids, keypoints, vit_weights
from synthgen.embedded.imagenet import normalized
from synthgen.embedded.loop import Draw
from synthgen.embedded.mesh_student import Answer, MeshStudent, look_error
from synthgen.embedded.options import KeypointsOptions, MeshOptions
from synthgen.embedded.pictures import Pictures, spread
from synthgen.embedded.positions import position_table
from synthgen.embedded.workshop import KEEP_DTYPE, Workshop
from synthgen.geometry import Array, procrustes
from synthgen.joints import COCO17, SMPL24

FOLDER = "mesh"
HEAD = "head.safetensors"  # heatmap head of a training, in the step's folder
FAMILIES = ("everyday",)
_PADDING = 1.0  # 4D-Humans cuts boxes out as they are
_JITTER = crops.Jitter()
_ROOT = SMPL24.index("pelvis")
_MEASURED = 192  # held-out people
_SHOWN = 16
_HEAD_WIDTH = 16  # of the decoder


@dataclass(frozen=True)
class Batch:
    """Crops and what is true of them.

    Attributes:
        images: (B, 3, S, S) in [0, 1].
        rotmat: (B, 24, 3, 3), the root's first.
        betas: (B, 10).
        keypoints_3d: (B, 24, 3) [m], relative to the pelvis.
        keypoints_2d: (B, 17, 2) [sides of the crop], 0 in its middle.
        is_seen: (B, 17) 1 or 0.
    """

    images: Tensor
    rotmat: Tensor
    betas: Tensor
    keypoints_3d: Tensor
    keypoints_2d: Tensor
    is_seen: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(*(value.to(device) for value in vars(self).values()))


class MeshLesson:
    """Regress SMPL parameters: errors of rotations, shape, joints in space and joints in the picture."""

    def __init__(self, options: MeshOptions, pictures: Pictures) -> None:
        self.options, self.pictures = options, pictures
        sizes = ("height", "patch_size", "width", "depth", "heads")
        self._as_keypoints = KeypointsOptions(
            options.training, **{key: getattr(options, key) for key in sizes}
        )
        side = options.height
        self.frame = crops.Frame((side, side), _PADDING, (side / 2, side / 2))
        self._train = pictures.people_rows(False, FAMILIES)
        self._held_out = pictures.people_rows(True, FAMILIES)
        self._strange = pictures.people_rows(True, sorted(set(pictures.families) - set(FAMILIES)))
        if not len(self._train):
            raise ValueError(f"mesh: no picture of {' or '.join(FAMILIES)} to train on; render some")
        model = build(options)
        self._points = BodyPoints(read_body_file(OPEN_FILE))
        self._grid = model.config.backbone.grid
        model.smpl_head.set_mean(self._mean())
        # The head alone is used; its backbone would be another of the same size.
        self.model: nn.Module = MeshStudent(model, keypoints.build(self._as_keypoints).get_submodule("head"))

    def loss(self, model: nn.Module, draw: Draw) -> Mapping[str, Tensor]:
        """Return the loss of one batch."""
        rows = draw.rng.choice(self._train, self.options.training.batch_size)
        batch = self.batch(rows, _JITTER, draw.rng).to(draw.device)
        answer: Answer = model(normalized(batch.images))
        with torch.autocast(draw.device.type, enabled=False):
            parts = {**self._errors(_float(answer.output), batch), **self._hints(answer, batch)}
        loss = sum(getattr(self.options, name) * value for name, value in parts.items())
        return {"loss": loss, **{name: value.detach() for name, value in parts.items()}}

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Return PA-MPJPE and MPJPE [mm] of held-out people, and of sports, which it never saw."""
        found: dict[str, float] = {}
        for name, rows in (("", self._held_out), ("_sports", self._strange)):
            if len(rows):
                pa_mpjpe, mpjpe = self._joint_errors(model, spread(rows, _MEASURED))
                found |= {f"pa_mpjpe_mm{name}": pa_mpjpe, f"mpjpe_mm{name}": mpjpe}
        return found

    def picture(self, model: nn.Module) -> NDArray[np.uint8]:
        """Show held-out people with their true joints, and with those of the estimated bodies."""
        rows = spread(self._held_out, _SHOWN)
        batch = self.batch(rows, crops.STILL, np.random.default_rng(0))
        output = self._estimate(model, batch)
        middle, side = self.frame.middle[0], self.options.height
        found = self.projected(output).numpy() * side + middle
        true = batch.keypoints_2d.numpy() * side + middle
        shown, everywhere = grids.to_uint8(batch.images), np.ones(found.shape[:2])
        return grids.columns(grids.dotted(shown, true, everywhere), grids.dotted(shown, found, everywhere))

    def batch(self, rows: NDArray[np.int64], jitter: crops.Jitter, rng: np.random.Generator) -> Batch:
        """Cut people out and move their labels along."""
        people = self.pictures.people
        view = crops.place(people.bbox[rows], self.frame, jitter, rng)
        images = crops.sample(self.pictures.image[people.picture[rows]], view, self.frame.size)
        joints = crop_moves.move_2d(people.keypoints_2d[rows], view, COCO17)
        relative = people.keypoints_3d[rows] - people.keypoints_3d[rows][:, _ROOT, None]
        arrays = (
            crop_moves.move_pose(people.global_orient[rows], people.body_pose[rows], view),
            people.betas[rows],
            crop_moves.move_3d(relative, view, SMPL24),
            (joints - self.frame.middle[0]) / self.options.height,
            crops.seen(joints, people.visibility[rows], view, self.frame.size),
        )
        labels = (torch.from_numpy(np.asarray(array, np.float32)) for array in arrays)
        return Batch(crops.soften(crops.recolor(images, jitter, rng), jitter, rng), *labels)

    def projected(self, output: HMR2Output) -> Tensor:
        """Return the estimate's COCO joints (B, 17, 2) in the crop [sides], 0 in its middle."""
        joints = blend(self._posed(output), COCO17) + crop_translation(output.pred_cam)[:, None]
        return FOCAL_LENGTH / CROP_SIZE * joints[..., :2] / joints[..., 2:].clamp(min=0.1)

    def _errors(self, output: HMR2Output, batch: Batch) -> Mapping[str, Tensor]:
        rotmat = torch.cat([output.global_orient[:, None], output.body_pose], 1)
        joints = blend(self._posed(output), SMPL24)
        joints = joints - joints[:, _ROOT, None]
        off = (self.projected(output) - batch.keypoints_2d).abs().sum(-1)
        return {
            "rotations": ((rotmat - batch.rotmat) ** 2).sum((-2, -1)).mean(),
            "betas": ((output.betas - batch.betas) ** 2).mean(),
            "keypoints_3d": (joints - batch.keypoints_3d).abs().sum(-1).mean(),
            "keypoints_2d": (off.clamp(max=1) * batch.is_seen).sum() / batch.is_seen.sum().clamp(min=1),
        }

    def _hints(self, answer: Answer, batch: Batch) -> Mapping[str, Tensor]:
        """Return the errors of heatmaps and looks, in the picture that the backbone sees."""
        options, size, grid = self.options, (self.options.height, self.options.height * 3 // 4), self._grid
        joints = batch.keypoints_2d * options.height + self.frame.middle[0]
        joints = joints - joints.new_tensor([(size[0] - size[1]) // 2, 0])
        drawn = answer.heatmaps.shape[2], answer.heatmaps.shape[3]
        seen = batch.is_seen.cpu().numpy()
        sigma, peaks = self._as_keypoints.sigma, self._as_keypoints.peaks
        truth = keypoints.heatmaps(joints.cpu().double().numpy(), seen, drawn, size, sigma)
        is_inside = ((joints >= 0) & (joints < joints.new_tensor(size[::-1]))).all(-1)
        patch = options.patch_size
        # Patches begin `PATCH_PADDING` before the picture does.
        cells = (joints + vit_weights.PATCH_PADDING - (patch - 1) / 2) / patch
        return {
            "heatmaps": keypoints.heatmap_error(
                answer.heatmaps.float(), torch.from_numpy(truth).to(joints), peaks
            ),
            "looks": look_error(answer.looks.float(), cells, is_inside, grid),
        }

    def _posed(self, output: HMR2Output) -> Tensor:
        self._points.to(output.betas.device)
        return self._points(torch.cat([output.global_orient[:, None], output.body_pose], 1), output.betas)

    def _estimate(self, model: nn.Module, batch: Batch) -> HMR2Output:
        device = next(model.parameters()).device
        hmr2 = model.get_submodule("hmr2")
        outputs = [_float(hmr2(normalized(part.to(device)))) for part in torch.split(batch.images, 32)]
        return HMR2Output(*(torch.cat([vars(o)[name] for o in outputs]).cpu() for name in vars(outputs[0])))

    def _joint_errors(self, model: nn.Module, rows: NDArray[np.int64]) -> tuple[float, float]:
        batch = self.batch(rows, crops.STILL, np.random.default_rng(0))
        joints = blend(self._posed(self._estimate(model, batch)), SMPL24).numpy()
        true = batch.keypoints_3d.numpy()
        aligned = procrustes(joints, true)
        return _mean_mm(aligned - true), _mean_mm(joints - joints[:, _ROOT, None] - true)

    def _mean(self) -> Estimate:
        """Return the mean parameters of the training people, from which the model regresses offsets.

        People face all ways, so the mean of their orientations is close to nothing, from where 6D offsets of
        any size would turn a body anyhow; regression has to start from a rotation.
        """
        rows = self._train[:2000]
        batch = self.batch(rows, crops.STILL, np.random.default_rng(0))
        pose = rotmat_to_rot6d(nearest_rotation(batch.rotmat.mean(0))).flatten()[None]
        return Estimate(pose, batch.betas.mean(0, keepdim=True), torch.tensor([START_CAM]))


def train(shop: Workshop) -> None:
    """Train the mesh estimator and write it.

    The heatmap head, which no estimate needs, stays in the work folder, `mesh/head.safetensors`. Copied into
    the folder `mesh` of `start_from`, it goes on from there as well; without it, a further round has to teach
    a fresh one first.
    """
    lesson = MeshLesson(shop.options.mesh, shop.pictures)
    shop.begin(lesson.model.get_submodule("hmr2"), FOLDER)
    if shop.start_from is not None and shop.has_earlier(f"{FOLDER}/{HEAD}"):
        earlier.load_part(lesson.model.get_submodule("head"), shop.start_from / FOLDER / HEAD)
    model: Any = shop.train(lesson, shop.options.mesh.training)
    earlier.save_part(model.head, shop.work / FOLDER / HEAD)
    model.hmr2.save_folder(shop.weights / FOLDER, KEEP_DTYPE)
    shop.note(FOLDER, shop.options.mesh.training, len(shop.pictures.people_rows(False, FAMILIES)))


def build(options: MeshOptions) -> HMR2:
    """Build the mesh estimator with fresh weights."""
    backbone = ViTConfig(
        image_size=(options.height, options.height * 3 // 4),
        patch_size=options.patch_size,
        patch_padding=vit_weights.PATCH_PADDING,
        width=options.width,
        depth=options.depth,
        num_heads=options.heads,
        drop_path=0.05,
    )
    decoder = DecoderConfig(
        width=options.decoder_width,
        depth=options.decoder_depth,
        num_heads=options.decoder_heads,
        head_width=_HEAD_WIDTH,
        mlp_width=2 * options.decoder_width,
    )
    made = HMR2(HMR2Config(backbone, decoder))
    made.backbone.pos_embed.data.copy_(position_table(*backbone.grid, backbone.width))
    return made


def _float(output: HMR2Output) -> HMR2Output:
    return HMR2Output(*(value.float() for value in vars(output).values()))


def _mean_mm(offsets: Array) -> float:
    return float(np.linalg.norm(offsets, axis=-1).mean() * 1000)
