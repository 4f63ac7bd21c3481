import numpy as np
import pytest
from fake_models import GREY, RED, Joints, Mesh, Segmenter, known, standing

from synthgen.backends.protocols import Keypoints, MeshEstimate
from synthgen.geometry import project
from synthgen.joints import COCO17
from synthgen.render import make_renderer
from synthgen.stages import verify
from synthgen.stages.depth import Conditioning, plan_picture, repaint
from synthgen.stages.masks import Masking


@pytest.fixture(scope="module")
def planned(body):
    renderer = make_renderer("warp", "cpu")

    def make(*people):
        plan = plan_picture(known(people), body, renderer, Conditioning())
        assert not isinstance(plan, str)
        return plan

    return make


def truth(plan, body) -> verify.Testimony:
    """What models see that are never wrong."""
    people = plan.bodies.scene.people
    joints = project(body.joints(plan.points, COCO17), plan.bodies.scene.camera.cam_int)
    masks = np.stack([plan.drawing.mask == n for n in range(1, len(people) + 1)])
    sure = Keypoints(joints, np.ones(joints.shape[:2]))
    estimate = MeshEstimate(people, np.zeros((len(people), 1, 1), np.float32))
    return verify.Testimony(masks, masks.any(0).astype(float), sure, estimate)


def one(plan, body, seen):
    return verify.compare([plan], [seen], body)[0]


def test_the_truth_agrees_fully(planned, body):
    plan = planned(standing(x=-0.5), standing(x=0.5))
    (agreement,) = verify.compare([plan], [truth(plan, body)], body)
    assert agreement.people_found == 2
    assert agreement.iou.tolist() == [1, 1] and agreement.pck.tolist() == [1, 1]
    np.testing.assert_allclose(agreement.oks, 1)
    np.testing.assert_allclose(agreement.mpvpe_mm, 0, atol=1e-3)
    assert agreement.scores(1)["mask_iou"] == 1.0


def test_each_witness_speaks_for_itself(planned, body):
    plan = planned(standing())
    seen = truth(plan, body)
    half = seen.people & (np.arange(64) < 32)
    agreement = one(plan, body, verify.Testimony(half, seen.probability, seen.keypoints, seen.estimate))
    assert agreement.iou[0] == pytest.approx(half.sum() / seen.people.sum()) and agreement.pck[0] == 1
    off = Keypoints(seen.keypoints.keypoints_2d + [30.0, 0], seen.keypoints.confidence)
    agreement = one(plan, body, verify.Testimony(seen.people, seen.probability, off, seen.estimate))
    assert agreement.pck[0] == 0 and agreement.oks[0] < 0.1 and agreement.iou[0] == 1
    other = MeshEstimate((standing(bend=-1.0, z=8.0),), seen.estimate.tokens)
    agreement = one(plan, body, verify.Testimony(seen.people, seen.probability, seen.keypoints, other))
    assert 20 < agreement.mpvpe_mm[0] < 300 and agreement.pck[0] == 1
    elsewhere = MeshEstimate((standing(x=2.0, z=8.0),), seen.estimate.tokens)
    agreement = one(plan, body, verify.Testimony(seen.people, seen.probability, seen.keypoints, elsewhere))
    assert agreement.mpvpe_mm[0] < 1e-3, "the place is not what this measures"


def test_how_far_bodies_move_is_told_in_sides_of_the_box(planned, body):
    plan = planned(standing(), standing(x=0.9))
    assert verify.greatest_move(plan, plan, body) == 0
    moved = planned(standing(x=0.1), standing(x=0.9))
    camera = plan.bodies.scene.camera.cam_int
    pixels = camera[0, 0] * 0.1 / plan.points[0, :, 2].mean()
    box = np.array([np.ptp(np.nonzero(plan.drawing.mask == 1), axis=1)]).max()
    assert verify.greatest_move(plan, moved, body) == pytest.approx(pixels / box, rel=0.1)


def test_people_who_were_not_found_overlap_with_nobody(planned, body):
    plan = planned(standing(x=-0.5), standing(x=0.5))
    seen = truth(plan, body)
    first = verify.Testimony(seen.people[1:], seen.probability, seen.keypoints, seen.estimate)
    agreement = one(plan, body, first)
    assert agreement.people_found == 1 and agreement.iou.tolist() == [0, 1]
    nobody = verify.Testimony(seen.people[:0], seen.probability, seen.keypoints, seen.estimate)
    assert one(plan, body, nobody).iou.tolist() == [0, 0]


def test_models_look_at_the_final_picture_in_the_boxes_of_the_labels(planned, body):
    plan = planned(standing())
    image = np.where((plan.drawing.mask == 1)[..., None], np.uint8(RED), np.uint8(GREY))
    models = Segmenter(), Joints(), Mesh()
    (seen,) = verify.question([repaint(plan, image)], verify.Witnesses(*models, Masking(speck=0)), body)
    assert np.array_equal(seen.people[0], plan.drawing.mask == 1)
    assert np.array_equal(seen.probability, seen.people[0]), "this segmenter says no more than where"
    rows, columns = np.nonzero(plan.drawing.mask == 1)
    box = [columns.min(), rows.min(), columns.max(), rows.max()]
    for model in models[1:]:
        images, boxes = model.calls[0][:2]
        assert np.array_equal(images[0], image) and boxes[0].tolist() == [box]


def test_the_critic_hears_how_sure_the_segmenter_is(planned, body):
    """An arm that is not there tells more where the segmenter is sure of that."""
    plan = planned(standing())
    seen = truth(plan, body)
    half = seen.people & (np.arange(64) < 32)

    def surprise(sure):
        probability = np.where(half[0], sure, 1 - sure)
        doubtful = verify.Testimony(half, probability, seen.keypoints, seen.estimate)
        return one(plan, body, doubtful).clues["surprise"][0]

    assert surprise(0.99) > surprise(0.7) + 1
