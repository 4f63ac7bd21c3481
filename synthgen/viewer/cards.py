"""What the page shows of a sample, as plain JSON: names, numbers and texts, which it writes as text only.

Somebody's records may hold anything, so values of a wrong kind are left out rather than passed on.
"""

from collections.abc import Mapping
from typing import Any

from synthgen.joints import COCO17, COCO_BONES, side

MAX_TEXT = 2000  # characters of a caption or a name
MAX_PEOPLE = 254
MAX_SCORES = 100
FACTS = ("seed", "body", "sequence", "frame", "view", "labelled_by")
SKELETON = {"bones": COCO_BONES, "sides": [side(joint) for joint in range(len(COCO17))]}


def card(position: int, tar: str, key: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a card shows of a sample's record."""
    size = record.get("image")
    size = size if isinstance(size, dict) else {}
    people = record.get("people")
    people = people if isinstance(people, list) else []
    return {
        "position": position,
        "tar": shown(tar),
        "key": shown(key),
        "caption": shown(record.get("prompt", record.get("caption", ""))),
        "source": shown(record.get("source", "")),
        "width": _count(size.get("width")),
        "height": _count(size.get("height")),
        "camera": _camera(record.get("camera")),
        "scores": _scores(record.get("scores")),
        "people": [_person(one) for one in people[:MAX_PEOPLE] if isinstance(one, dict)],
        "facts": _facts(record),
    }


def shown(value: Any) -> str:
    """Return a text as JSON can hold it: at most MAX_TEXT characters, no halves of pairs."""
    text = value if isinstance(value, str) else ""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode("utf-8")


def _person(record: Mapping[str, Any]) -> dict[str, Any]:
    valid = record.get("valid")
    valid = valid if isinstance(valid, dict) else {}
    points = _rows(record.get("keypoints_2d"), len(COCO17))
    return {
        "family": shown(record.get("family")),
        "action": shown(record.get("action")),
        "bbox": _numbers(record.get("bbox"), 4),
        "keypoints": points if valid.get("keypoints_2d") is True else None,
        "visibility": _numbers(record.get("visibility"), len(COCO17)),
        "valid": [name for name in ("smpl", "keypoints_2d", "keypoints_3d") if valid.get(name) is True],
        "scores": _scores(record.get("scores")),
    }


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        (name, record.get(name)) for name in ("seed", "body", "sequence", "frame", "view", "labelled_by")
    ]
    texts = [(name, str(value) if isinstance(value, int) else shown(value)) for name, value in facts]
    return [(name.replace("_", " "), text[:MAX_TEXT]) for name, text in texts if text]


def _camera(value: Any) -> list[float] | None:
    """Return focal lengths and principal point [px]."""
    matrix = value.get("cam_int") if isinstance(value, dict) else None
    rows = [_numbers(row, 3) for row in matrix] if isinstance(matrix, list) and len(matrix) == 3 else []
    if not rows or any(row is None for row in rows):
        return None
    first, second = rows[0] or [], rows[1] or []
    return [first[0], second[1], first[2], second[2]]


def _scores(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    found = {shown(name): float(one) for name, one in value.items() if _is_number(one)}
    return dict(list(found.items())[:MAX_SCORES])


def _rows(value: Any, count: int) -> list[list[float] | None] | None:
    """Return rows of x, y and confidence or visibility; None for those that nobody knows."""
    if not isinstance(value, list) or len(value) != count:
        return None
    return [_numbers(row, 3) for row in value]


def _numbers(value: Any, count: int) -> list[float] | None:
    is_right = isinstance(value, list) and len(value) == count and all(map(_is_number, value))
    return [float(one) for one in value] if is_right else None


def _is_number(value: Any) -> bool:
    is_kind = isinstance(value, int | float) and not isinstance(value, bool)
    return is_kind and abs(value) < 1e30  # neither NaN nor infinite


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 1 << 16 else 0
