"""3DPW: people in the wild with SMPL from inertial sensors; and its subsets OC, PC and Crowd.

`sequenceFiles/{train,validation,test}/*.pkl` and `imageFiles/<sequence>/image_NNNNN.jpg`. The bodies are
gendered: meshes must be made with the male or female SMPL. Their pelvis is known from `jointPositions`, so
no SMPL file is needed here. 2D labels are the true joints, projected; OpenPose's detections, which come
with the data set, are kept as the person's own joints, since published methods take them as input.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.datasets.clips import Clips
from synthgen.datasets.entry import SPLIT_ALL, Choice, Entry, Origin, UnusableError, make_key
from synthgen.datasets.files import Files, array_of, field
from synthgen.datasets.joint_orders import OPENPOSE18
from synthgen.datasets.people import Joints, Known, observe
from synthgen.datasets.sequences import Recent
from synthgen.datasets.smpl_fits import gender_of, moved, person_of
from synthgen.datasets.threedpw_json import EXPECTED, ThreeDPWJson
from synthgen.datasets.views import View
from synthgen.geometry import Array
from synthgen.joints import SMPL24
from synthgen.observation import Gender, Notes, ObservedPerson
from synthgen.sample import NUM_BETAS

ORIGIN = Origin(
    "3DPW", "https://virtualhumans.mpi-inf.mpg.de/3DPW", "non-commercial research; accept the licence there"
)
FOLDERS = ("train", "validation", "test")
LAYOUT = "a pickle of 3DPW's sequenceFiles"

# Published subsets. PC: crowded by people, frames [first, end) of six sequences. OC: hidden by objects, by
# the names of sequences without their number. Crowd: two sequences of the validation set.
PC = {
    "courtyard_basketball_00": (200, 280), "courtyard_captureSelfies_00": (500, 600),
    "courtyard_dancing_00": (60, 370), "courtyard_dancing_01": (60, 270),
    "courtyard_hug_00": (100, 500), "downtown_bus_00": (1620, 1900),
}  # fmt: skip
OC = (
    "courtyard_backpack", "courtyard_basketball", "courtyard_bodyScannerMotions", "courtyard_box",
    "courtyard_golf", "courtyard_jacket", "courtyard_laceShoe", "downtown_stairs", "flat_guitar",
    "flat_packBags", "outdoors_climbing", "outdoors_crosscountry", "outdoors_fencing",
    "outdoors_freestyle", "outdoors_golf", "outdoors_parcours", "outdoors_slalom",
)  # fmt: skip
CROWD = ("courtyard_hug_00", "courtyard_dancing_00")
FIELDS = (
    ("poses",), ("betas",), ("trans",), ("jointPositions",), ("poses2d", "poses2D"), ("campose_valid",),
    ("genders", "gender"),
)  # fmt: skip
SPLITS = ("test", "train", "validation", SPLIT_ALL, "oc", "pc", "crowd")


@dataclass(frozen=True)
class Body:
    """One person of a sequence.

    Attributes:
        poses: (T, 72) axis-angle [rad], world.
        betas: (10,).
        trans: (T, 3) [m], world.
        joints: (T, 24, 3) [m], world.
        detected: (T, 18, 3) OpenPose's x, y, confidence; 0 where nothing was found.
        is_valid: (T,) whether the camera fits the person.
        gender: of the body.
    """

    poses: Array
    betas: Array
    trans: Array
    joints: Array
    detected: Array
    is_valid: Array
    gender: Gender


@dataclass(frozen=True)
class Sequence:
    """A clip.

    Attributes:
        cam_int: (3, 3) [px].
        extrinsics: (T, 3, 4) world to camera [m].
        people: in the order of the file.
    """

    cam_int: Array
    extrinsics: Array
    people: tuple[Body, ...]


class ThreeDPW:
    """Reader of a split or of a published subset; of 3DCrowdNet's json where `annotations` names one."""

    origin, splits = ORIGIN, SPLITS

    def __new__(cls, choice: Choice) -> Any:
        """Return the reader of whichever layout is there."""
        if not choice.annotations:
            return super().__new__(cls)
        files, split = Files(ORIGIN, choice.root), choice.pick(SPLITS, ORIGIN)
        path = files.need(choice.annotations, EXPECTED)
        return ThreeDPWJson(files, path, split, CROWD if split == "crowd" else ())

    def __init__(self, choice: Choice) -> None:
        self._split = choice.pick(SPLITS, ORIGIN)
        self._files = Files(ORIGIN, choice.root)
        self._paths = self._list()
        self._sequence = Recent(self._read)
        self._starts, counts = [], []
        for number in range(len(self._paths)):
            first, end = self._range(number)
            self._starts.append(first)
            counts.append(max(end - first, 0))
        self._clips = Clips(counts, choice.every)

    def __len__(self) -> int:
        return len(self._clips)

    def entry(self, index: int) -> Entry:
        """See `Reader`."""
        name, frame = self._place(index)
        picture = self._files.root / "imageFiles" / name / f"image_{frame:05d}.jpg"
        return Entry(make_key(f"3dpw-{name}-{frame:05d}", index), picture)

    def notes(self, index: int, image_size: tuple[int, int]) -> Notes:
        """See `Reader`."""
        number, _ = self._clips.locate(index)
        name, frame = self._place(index)
        sequence = self._sequence(number)
        view = View(sequence.cam_int, sequence.extrinsics[frame])
        seen = [body for body in sequence.people if body.is_valid[frame]]
        people = []
        for body in seen:
            try:
                people.append(_person(body, frame, view, image_size))
            except UnusableError:  # the others may well be in the picture
                continue
        if not people:
            raise UnusableError("nobody with a valid camera pose" if not seen else "nobody is in the picture")
        return Notes(
            key=self.entry(index).key,
            image_size=image_size,
            camera=view.camera(image_size),
            people=tuple(people),
            body="smpl",
            source=f"3dpw/{self._split}",
            sequence=name,
            frame=frame,
            extrinsics=view.extrinsics,
        )

    def _place(self, index: int) -> tuple[str, int]:
        number, frame = self._clips.locate(index)
        return self._paths[number].stem, self._starts[number] + frame

    def _list(self) -> list[Path]:
        """Return the files of the sequences, sorted."""
        if self._split in FOLDERS:
            folders: tuple[str, ...] = (self._split,)
        else:
            folders = ("validation",) if self._split == "crowd" else FOLDERS
        found: list[Path] = []
        for folder in folders:
            whole = self._files.need(f"sequenceFiles/{folder}", "the sequences of this split, .pkl")
            found += [path for path in sorted(whole.glob("*.pkl")) if self._belongs(path.stem)]
        if not found:
            where = self._files.root / "sequenceFiles"
            raise self._files.odd(where, f"holds no sequence of {self._split}", "its .pkl files")
        return found

    def _belongs(self, name: str) -> bool:
        if self._split == "pc":
            return name in PC
        if self._split == "oc":
            return name.rpartition("_")[0] in OC
        return self._split != "crowd" or name in CROWD

    def _range(self, number: int) -> tuple[int, int]:
        """Return the frames [first, end) of a sequence that belong to the split."""
        path = self._paths[number]
        content = self._files.pickled(path, LAYOUT)
        with self._files.reading(path, LAYOUT):
            count = len(field(content, "cam_poses", (None, 4, 4)))
        first, end = PC[path.stem] if self._split == "pc" else (0, count)
        return first, min(end, count)

    def _read(self, number: int) -> Sequence:
        path = self._paths[number]
        content = self._files.pickled(path, LAYOUT)
        with self._files.reading(path, LAYOUT):
            extrinsics = field(content, "cam_poses", (None, 4, 4))[:, :3]
            fields = {name: _listed(content, name, *others) for name, *others in FIELDS}
            for name, values in fields.items():
                if len(values) != len(fields["poses"]):
                    count = len(fields["poses"])
                    raise ValueError(f"{name} is given for {len(values)} people, poses for {count}")
            bodies = zip(*fields.values(), strict=True)
            people = tuple(_body(dict(zip(fields, one, strict=True)), len(extrinsics)) for one in bodies)
            return Sequence(field(content, "cam_intrinsics", (3, 3)), extrinsics, people)


def _listed(content: dict[str, Any], name: str, *others: str) -> list[Any]:
    """Return what a field holds for each person; some releases write it otherwise."""
    value = content[next((other for other in others if other in content), name)]
    return list(value) if isinstance(value, list | tuple) else list(array_of(value))


def _body(fields: dict[str, Any], count: int) -> Body:
    betas = field(fields, "betas", (None,))
    if len(betas) < NUM_BETAS:
        raise ValueError(f"betas of a person are {len(betas)}, expected at least {NUM_BETAS}")
    return Body(
        poses=field(fields, "poses", (count, 72)),
        betas=betas[:NUM_BETAS],
        trans=field(fields, "trans", (count, 3)),
        joints=field(fields, "jointPositions", (count, 72)).reshape(count, -1, 3),
        detected=field(fields, "poses2d", (count, 3, len(OPENPOSE18))).swapaxes(1, 2),
        is_valid=field(fields, "campose_valid", (count,)),
        gender=gender_of(str(fields["genders"])),
    )


def _person(body: Body, frame: int, view: View, image_size: tuple[int, int]) -> ObservedPerson:
    world = body.joints[frame]
    pelvis = world[SMPL24.index("pelvis")] - body.trans[frame]
    joints = view.to_camera(world)
    person = person_of(body.poses[frame], body.betas, body.trans[frame])
    detected = body.detected[frame]
    known = Known(
        person=moved(person, view.extrinsics, pelvis),
        gender=body.gender,
        own=Joints(OPENPOSE18, detected[:, :2], detected[:, 2]),
    )
    return observe(Joints(SMPL24, view.project(joints), None, joints), image_size, known)
