"""Reads 2D joints that other tools found: COCO json, OpenPose json, npz; as COCO-17 and feet.

Pictures are known by the stem of their file name. Wrong joint sets, wrong orders and wrong shapes are errors
that name file and expectation; NaN in single joints means that these were not found.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthgen.backends.protocols import Keypoints
from synthgen.joints import COCO17, COCO23, FEET6, OPENPOSE25, JointSet
from synthgen.sample import Float
from synthgen.scorehmr.joint_order import check_names, check_order

SETS = {len(joint_set): joint_set for joint_set in (COCO17, OPENPOSE25, COCO23)}
OPENPOSE_SUFFIX = "_keypoints.json"
MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Found:
    """What a file says about pictures.

    Attributes:
        people: {stem of the picture's name: everybody in it}.
        sizes: {stem: (H, W) [px]} where the file says for which size its numbers are: COCO's images, and
            `image_size` of an .npz.
        cam_ints: {stem: (3, 3) [px]} where it has intrinsics.
        extrinsics: {stem: (3, 4) world to camera [m]} where it has them.
        feet: {stem: (N, 6, 3)} toes and heels of everybody (`joints.FEET6`): x, y [px], confidence.
        features: {stem: (N, C)} what another network said of everybody, as published denoisers are told.
    """

    people: Mapping[str, Keypoints]
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cam_ints: Mapping[str, Float] = field(default_factory=dict)
    extrinsics: Mapping[str, Float] = field(default_factory=dict)
    feet: Mapping[str, Float] = field(default_factory=dict)
    features: Mapping[str, Float] = field(default_factory=dict)


def read_keypoints(path: Path) -> Found:
    """Read a file or folder of 2D joints; which format it is shows in its content.

    Args:
        path: COCO .json (annotations, or a list of results), .npz (see `_npz`), or a folder of OpenPose's
            `<picture>_keypoints.json`.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: no known format, another joint set or order, wrong shapes; names the file.
    """
    if path.is_dir():
        return _openpose(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"keypoints: no such file or folder: {path}; give a COCO .json, an .npz or OpenPose's folder"
        )
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} has more than {MAX_BYTES} bytes")
    if path.suffix == ".npz":
        return _npz(path)
    if path.suffix == ".json":
        return _coco(path)
    raise ValueError(f"{path}: expected .json (COCO), .npz, or a folder of OpenPose's files")


def to_coco17(joints: Float, confidence: Float, where: str) -> Keypoints:
    """Return joints of a known set as COCO-17; arguments as in `to_coco23`."""
    known = to_coco23(joints, confidence, where)[:, : len(COCO17)]
    return Keypoints(known[..., :2], known[..., 2])


def to_coco23(joints: Float, confidence: Float, where: str) -> Float:
    """Return joints of a known set as COCO-17 with feet (N, 23, 3), x, y [px] and confidence, 0 where NaN.

    Args:
        joints: (N, J, 2) [px], J 17 (COCO), 23 (with the feet of COCO-WholeBody) or 25 (OpenPose).
        confidence: (N, J), clipped to [0, 1].
        where: file and picture, for messages.
    """
    if joints.ndim != 3 or joints.shape[2] != 2 or joints.shape[1] not in SETS:
        known = ", ".join(f"{count} ({joint_set.name})" for count, joint_set in SETS.items())
        raise ValueError(f"{where}: joints must be (people, J, 2) with J one of {known}, got {joints.shape}")
    if confidence.shape != joints.shape[:2]:
        raise ValueError(f"{where}: confidence must be {joints.shape[:2]}, got {confidence.shape}")
    joint_set: JointSet = SETS[joints.shape[1]]
    values = np.concatenate([joints, confidence[..., None]], 2).astype(np.float64)
    values[..., 2] = np.where(np.isfinite(values).all(-1), np.clip(values[..., 2], 0, 1), 0.0)
    values[..., :2] = np.where(values[..., 2:] > 0, values[..., :2], 0.0)
    found = np.zeros((len(values), len(COCO23), 3))
    shared = [name for name in COCO23.names if name in joint_set.names]
    found[:, [COCO23.index(name) for name in shared]] = values[:, [joint_set.index(name) for name in shared]]
    return found


def _found(people: Mapping[str, Float], where: Path, **more: Any) -> Found:
    """Return people given as {stem: (N, 23, 3)}, those with feet as such."""
    body = len(COCO17)
    if everybody := [one[:, :body] for one in people.values() if len(one)]:
        together = np.concatenate(everybody)
        check_order(together[..., :2], together[..., 2], str(where))
    joints = {name: Keypoints(one[:, :body, :2], one[:, :body, 2]) for name, one in people.items()}
    feet = {name: one[:, body:] for name, one in people.items() if one[:, body:, 2].any()}
    return Found(joints, feet=feet, **more)


def _triples(rows: list[Any], where: str) -> Float:
    """Return people (N, 23, 3) given as flat lists of x, y, confidence, joint by joint."""
    if not rows:
        return np.zeros((0, len(COCO23), 3))
    try:
        widths = {len(row) for row in rows}
        values = np.array(rows, np.float64).reshape(len(rows), -1, 3)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where}: joints must be flat lists of x, y, confidence, all of one length: {error}"
        ) from error
    if len(widths) != 1:
        raise ValueError(f"{where}: people have {sorted(widths)} numbers, expected as many each")
    return to_coco23(values[..., :2], _scaled(values[..., 2]), where)


def _scaled(third: Float) -> Float:
    """Turn COCO's visibility flags 0, 1, 2 into confidences; confidences stay."""
    is_flag = np.isin(third, (0, 1, 2)).all() and (third == 2).any()
    return (third > 0).astype(np.float64) if is_flag else third


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error


def _openpose(folder: Path) -> Found:
    files = sorted(folder.rglob(f"*{OPENPOSE_SUFFIX}"))
    if not files:
        raise ValueError(f"{folder}: no OpenPose file (<picture>{OPENPOSE_SUFFIX}) in it")
    people = {}
    for file in files:
        content = _load(file)
        found = content.get("people") if isinstance(content, dict) else None
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError(f"{file}: expected an object with a list 'people' of objects")
        rows = [one.get("pose_keypoints_2d", []) for one in found]
        people[file.name.removesuffix(OPENPOSE_SUFFIX)] = _triples(rows, str(file))
    return _found(people, folder)


def _coco(path: Path) -> Found:
    content = _load(path)
    names: dict[Any, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    if isinstance(content, dict):
        images, results = content.get("images"), content.get("annotations")
        if not isinstance(images, list) or not isinstance(results, list):
            raise ValueError(f"{path}: expected COCO's 'images' and 'annotations'")
        _check_categories(content.get("categories"), path)
        try:
            names = {image["id"]: Path(str(image["file_name"])).stem for image in images}
            sizes = {
                Path(str(image["file_name"])).stem: (int(image["height"]), int(image["width"]))
                for image in images
                if "height" in image
            }
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path}: an image lacks 'id' or 'file_name': {error}") from error
    elif isinstance(content, list):
        results = content
    else:
        raise ValueError(f"{path}: expected COCO annotations or a list of results")
    rows: dict[str, list[Any]] = {name: [] for name in names.values()}
    for result in results:
        if not isinstance(result, dict) or "keypoints" not in result or "image_id" not in result:
            raise ValueError(f"{path}: an annotation lacks 'image_id' or 'keypoints'")
        image_id = result["image_id"]
        if isinstance(content, dict) and image_id not in names:
            raise ValueError(f"{path}: image_id {image_id!r} is not among its images")
        rows.setdefault(names.get(image_id, str(image_id)), []).append(_with_feet(result))
    people = {name: _triples(found, f"{path}: {name}") for name, found in rows.items()}
    return _found(people, path, sizes=sizes)


def _check_categories(categories: Any, path: Path) -> None:
    """Raise where COCO's categories name other joints."""
    for category in categories if isinstance(categories, list) else []:
        named = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(named, list) and named:
            check_names([str(name) for name in named], f"{path}: category {category.get('name', '')!r}")


def _with_feet(result: Mapping[str, Any]) -> Any:
    """Return the joints of a COCO annotation, with the feet that COCO-WholeBody keeps beside them."""
    joints, feet = result["keypoints"], result.get("foot_kpts")
    is_body = isinstance(joints, list) and len(joints) == 3 * len(COCO17)
    return joints + (feet if isinstance(feet, list) else [0.0] * 3 * len(FEET6)) if is_body else joints


def _npz(path: Path) -> Found:
    """Read arrays of N pictures, each with up to P people.

    There must be `names` (N,) and `keypoints_2d` (N, [P,] J, 2 or 3) [px]. There may be `confidence`
    (N, [P,] J), `joint_names` (J,), `image_size` ([N,] 2) height and width that the numbers are for [px],
    `cam_int` ([N,] 3, 3) [px], `extrinsics` ([N,] 3, 4) world to camera [m], and `features` (N, [P,] C) of
    another network.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is no .npz of plain arrays: {error}") from error
    if missing := [name for name in ("names", "keypoints_2d") if name not in arrays]:
        raise ValueError(f"{path} lacks {', '.join(missing)}; it holds {', '.join(arrays) or 'nothing'}")
    names = [Path(str(name)).stem for name in arrays["names"].ravel()]
    joints: NDArray[Any] = np.asarray(arrays["keypoints_2d"], np.float64)
    joints = joints[:, None] if joints.ndim == 3 else joints
    if joints.ndim != 4 or len(joints) != len(names) or joints.shape[3] not in (2, 3):
        raise ValueError(
            f"{path}: keypoints_2d must be ({len(names)}, [people,] J, 2 or 3), got "
            f"{arrays['keypoints_2d'].shape}"
        )
    if "joint_names" in arrays and joints.shape[2] == len(COCO17):
        check_names([str(name) for name in arrays["joint_names"].ravel()], str(path))
    if "confidence" in arrays:
        sure: NDArray[Any] = np.asarray(arrays["confidence"], np.float64).reshape(
            len(names), joints.shape[1], -1
        )
    else:
        sure = joints[..., 2] if joints.shape[3] == 3 else np.isfinite(joints).all(-1).astype(np.float64)
    people = {
        name: to_coco23(own[..., :2], confidence, f"{path}: {name}")
        for name, own, confidence in zip(names, joints, sure, strict=True)
    }
    sizes = _matrices(arrays, "image_size", (2,), names, path)
    return _found(
        people,
        path,
        sizes={name: (int(size[0]), int(size[1])) for name, size in sizes.items()},
        features=_features(arrays, joints.shape[:2], names, path),
        cam_ints=_matrices(arrays, "cam_int", (3, 3), names, path),
        extrinsics=_matrices(arrays, "extrinsics", (3, 4), names, path),
    )


def _features(
    arrays: Mapping[str, NDArray[Any]], counts: tuple[int, ...], names: list[str], path: Path
) -> dict[str, Float]:
    if "features" not in arrays:
        return {}
    values = np.asarray(arrays["features"], np.float64)
    values = values[:, None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[:2] != counts or not np.isfinite(values).all():
        raise ValueError(
            f"{path}: features must be ({counts[0]}, [{counts[1]} people,] C) finite, got "
            f"{arrays['features'].shape}"
        )
    return dict(zip(names, values, strict=True))


def _matrices(
    arrays: Mapping[str, NDArray[Any]], key: str, shape: tuple[int, ...], names: list[str], path: Path
) -> dict[str, Float]:
    if key not in arrays:
        return {}
    values = np.asarray(arrays[key], np.float64)
    if values.shape == shape:
        values = np.broadcast_to(values, (len(names), *shape))
    if values.shape != (len(names), *shape) or not np.isfinite(values).all():
        raise ValueError(f"{path}: {key} must be {(len(names), *shape)} finite, got {values.shape}")
    return dict(zip(names, values, strict=True))
