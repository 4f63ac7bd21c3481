"""Parts with models whose answers are known: perfect, shifted, blind."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from synthgen.backends.protocols import Keypoints, MeshEstimate, PriorReport, Segments
from synthgen.body import load_body
from synthgen.embedded.exam import keypoints, mesh, prior, redraw, segmenter
from synthgen.embedded.exam.bare import render_bare
from synthgen.embedded.exam.exam import Exam, Settings
from synthgen.embedded.workshop import RUNS
from synthgen.render import make_renderer
from synthgen.report.contact_sheet import draw_skeletons
from synthgen.scenes.poses import FAMILIES
from synthgen.shards import read_samples


@pytest.fixture(scope="module")
def samples(rendered):
    return [sample for name in RUNS for sample in read_samples(str(rendered / name))]


@dataclass
class Shelf:
    """Gives the same few samples for every family, one after another, and remembers what was asked for."""

    samples: list
    asked: list

    def __call__(self, family, count, seed, is_alone):
        self.asked.append((family, count, seed, is_alone))
        found = []
        for n in range(count):
            sample = self.samples[(FAMILIES.index(family) + n) % len(self.samples)]
            found.append(replace(sample, labels=tuple(replace(one, family=family) for one in sample.labels)))
        return found


@pytest.fixture(scope="module")
def tools():
    return load_body("open"), make_renderer("warp")


@pytest.fixture
def make_exam(samples, tools):
    """Return make(**models): an exam of such models over the samples of the fixture."""

    def make(**models):
        body, renderer = tools
        asked = SimpleNamespace(device="cpu", **models)
        return Exam(asked, body, renderer, Shelf(samples, []), draw_skeletons, Settings(50, 2, 7, 7, 1))

    return make


def of_picture(samples, image):
    return next(sample for sample in samples if np.array_equal(sample.image, image))


def perfect_segments(sample):
    person, thing = segmenter.truth_of(sample)
    return Segments(person[None], np.ones(1), thing[None], np.ones(1), ("object",))


def test_a_perfect_segmenter_reaches_one_and_a_blind_one_nothing(make_exam, samples):
    found = segmenter.examine(
        make_exam(segmenter=lambda images: [perfect_segments(of_picture(samples, i)) for i in images])
    )
    assert found.figures["person"] == found.figures["object"] == 1
    assert all(found.figures[f"person_mean/{family}"] == 1 for family in FAMILIES)
    nothing = np.zeros((1, 128, 128), bool)
    blind = Segments(nothing, np.ones(1), nothing, np.ones(1), ("object",))
    assert segmenter.examine(make_exam(segmenter=lambda i: [blind] * len(i))).figures["person"] == 0


@pytest.mark.parametrize(("shift", "pck"), [(0.0, 1.0), (0.09, 1.0), (0.11, 0.0)])
def test_keypoints_count_where_they_lie_near_enough(make_exam, samples, shift, pck):
    def find(images, boxes):
        answers = []
        for image, own in zip(images, boxes, strict=True):
            labels = of_picture(samples, image).labels
            side = (own[:, 2:] - own[:, :2]).max(1)
            places = np.stack([label.keypoints_2d for label in labels])
            moved = places + shift * side[:, None, None] * (1, 0)
            answers.append(Keypoints(moved, np.ones(moved.shape[:2])))
        return answers

    figures = keypoints.examine(make_exam(keypoints=find)).figures
    assert figures["pck"] == figures["pck_over_joints"] == figures["pck/ski"] == pck


def test_a_perfect_mesh_estimator_has_no_error_and_a_turned_one_only_before_alignment(make_exam, samples):
    def estimate(turn):
        def run(images, boxes, cam_ints):
            assert len(images) == len(boxes) == len(cam_ints)
            people = [of_picture(samples, image).scene.people for image in images]
            turned = [[replace(p, global_orient=turn(p.global_orient)) for p in own] for own in people]
            return [MeshEstimate(tuple(own), np.zeros((0, 1, 1), np.float32)) for own in turned]

        return run

    figures = mesh.examine(make_exam(mesh=estimate(lambda orient: orient))).figures
    assert all(figures[f"{name}/{family}"] < 0.1 for name in ("pa_mpjpe", "mpjpe") for family in FAMILIES)
    figures = mesh.examine(make_exam(mesh=estimate(np.zeros_like))).figures
    assert figures["pa_mpjpe/everyday"] < 0.1 and figures["mpjpe/everyday"] > 100


def test_a_prior_that_knows_poses_by_their_size(make_exam):
    def judge(poses):
        norm = (poses**2).sum((1, 2))
        return PriorReport(poses.reshape(len(poses), -1), norm, poses, np.full(len(poses), np.deg2rad(3)))

    figures = prior.examine(make_exam(prior=judge)).figures
    assert figures["degrees"] == pytest.approx(3)
    assert figures["auc_norm"] > 0.95 and figures["auc_error"] == 0.5
    assert figures["sports_over_everyday"] > 1
    assert figures["norm_random"] == pytest.approx(23 * (np.pi / 2) ** 2, rel=0.2)


def test_the_bare_body_lies_where_the_clothed_one_is(samples, tools):
    sample = samples[0]
    bare = render_bare(sample.scene, *tools)
    clothed = sample.mask == 1
    assert (bare.mask & clothed).sum() > 0.8 * clothed.sum()
    assert np.array_equal(bare.mask, bare.depth > 0)
    label = sample.labels[0]
    assert np.abs(bare.keypoints_2d - label.keypoints_2d).max() < 0.05
    assert (bare.visibility >= 0.5).sum() >= (label.visibility >= 0.5).sum() - 2


class Redraws:
    """A draft and a redraw that give back true renders, and models that find what is in these."""

    def __init__(self, samples, tools):
        self.samples, self.tools, self.guides = samples, tools, []

    def bare(self, image):
        return render_bare(of_picture(self.samples, image).scene, *self.tools)

    def draft(self, prompts, negative_prompts, seeds):
        assert len(set(seeds)) == len(prompts)
        return SimpleNamespace(images=np.stack([self.prompted(prompt).image for prompt in prompts]))

    def prompted(self, prompt):
        return next(sample for sample in self.samples if sample.request.prompt == prompt)

    def load(self, role, strength):
        assert (role, strength) == ("redraw", 1.0)
        return lambda guides, *_: np.zeros_like(guides.images)  # nothing can be found in these

    def redraw(self, guides, prompts, negative_prompts, seeds):
        self.guides.append(guides)
        return guides.images

    def segmenter(self, images):
        nothing = np.zeros((0, 128, 128), bool)
        masks = [self.bare(image).mask[None] if image.any() else nothing for image in images]
        return [Segments(mask, np.ones(len(mask)), nothing, np.zeros(0), ()) for mask in masks]

    def keypoints(self, images, boxes):
        joints = [self.bare(i).keypoints_2d[None] if i.any() else np.full((1, 17, 2), -999.0) for i in images]
        assert all(own.shape == (1, 4) for own in boxes)
        return [Keypoints(one, np.ones((1, 17))) for one in joints]


def test_redraws_that_show_the_body_are_perfect_and_black_ones_are_not(make_exam, samples, tools):
    fake = Redraws(samples, tools)
    exam = make_exam(**{name: getattr(fake, name) for name in ("draft", "redraw", "segmenter", "keypoints")})
    exam.models.load = fake.load
    answer = redraw.examine(exam)
    assert answer.amount == "7 redraws" and set(answer.plates) == {"redraws"}
    assert answer.figures["iou"] == answer.figures["pck"] == answer.figures["render_iou"] == 1
    assert answer.figures["noise_iou"] == answer.figures["noise_pck"] == 0
    assert {key for key in answer.figures if key.startswith("pck/")} == {f"pck/{f}" for f in FAMILIES}
    (guides,) = fake.guides
    assert guides.region.any((1, 2)).all() and np.array_equal(guides.region, guides.nearness > 0)


def test_families_take_turns_and_streams_never_share_a_seed(make_exam):
    exam = make_exam()
    families = [sample.labels[0].family for sample in exam.alone(7)]
    assert families == [*FAMILIES, FAMILIES[0]]
    assert len(exam.people) == 2 * len(FAMILIES)
    exam.for_probe("ski")
    asked = exam.render.asked
    assert all(is_alone for _, count, _, is_alone in asked[:6]) and {one[1] for one in asked[:6]} == {2}
    assert not any(one[3] for one in asked[6:12]) and asked[12][1] == 1
    seeds = [seed for _, _, seed, _ in asked]
    assert len(set(seeds)) == len(seeds) and all(50 <= seed < 150 for seed in seeds)
    assert len(exam.alone(3)) == 3 and len(exam.render.asked) == 13  # nothing is drawn twice
