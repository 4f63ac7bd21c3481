"""Made-up observations for tests of the data path: dots and bodies whose labels are exactly right."""

from dataclasses import replace

import numpy as np

from synthgen.body import OPEN_FILE
from synthgen.body_file import read_body_file
from synthgen.body_points import BodyPoints
from synthgen.dpmesh.subjects import Subject, SubjectMaker
from synthgen.observation import Observation, ObservedPerson
from synthgen.sample import Sample
from synthgen.shards.observation_records import StoredPicture, notes_of_sample, store

MAKER = SubjectMaker("open", min_side=4, is_detected=True)
POINTS = BodyPoints(read_body_file(OPEN_FILE))


def observe(sample: Sample) -> Observation:
    return notes_of_sample(sample).with_image(sample.image)


def stored(sample: Sample) -> StoredPicture:
    return store(observe(sample), "png")


def subjects_of(*pictures: StoredPicture, maker: SubjectMaker = MAKER) -> list[Subject]:
    return maker(pictures, "some.tar")[0]


def only_2d(person: ObservedPerson) -> ObservedPerson:
    """Return what an annotator of keypoints alone would say."""
    return replace(
        person, keypoints_3d=None, confidence_3d=np.zeros(24, np.float32), person=None, visibility=None
    )
