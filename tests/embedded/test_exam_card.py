import re

import pytest

from synthgen.embedded.exam import card, targets
from synthgen.embedded.exam.ledger import Entry
from synthgen.embedded.exam.models import Models


def entry(figures, plates=(), texts=None):
    return Entry("hash", 7, "cpu", "5 renders", figures, list(plates), texts or {})


ENTRIES = {
    "segmenter": entry({"person": 0.921, "object": 0.6999, "person_mean/ski": 0.91}, ["segmenter"]),
    "mesh": entry({"pa_mpjpe/everyday": 54.9, "pa_mpjpe/ski": 80.0, "pa_mpjpe/yoga": 100.0}),
    "redraw": entry({"iou": 0.8, "pck": 0.9, "pck/ski": 0.95, "pck/yoga": 0.7}),
    "draft": entry({"one_person": 0.95}, ["drafts"], {"captions": ["a skier, *bold* and <b>"]}),
}


@pytest.fixture
def table(trained):
    lines = targets.table(card.known(ENTRIES, trained))
    return {what: (measured, target, reached) for what, measured, target, reached in lines}


def test_figures_are_shown_with_their_targets_and_honest_verdicts(table):
    assert table["segmenter: person IoU on renders"] == ("0.921", "≥ 0.92", "yes")
    assert table["segmenter: object IoU on renders"] == ("0.700", "≥ 0.7", "**no**")  # 0.6999 is less
    assert table["mesh: PA-MPJPE on everyday renders"] == ("54.9 mm", "≤ 55 mm", "yes")
    assert table["… on sports, which it was never shown"] == ("90.0 mm", "–", "–")
    assert table["redraw: PCK@0.1, family with the lowest"] == ("70.0 %", "≥ 80 %", "**no**")
    assert table["keypoints: PCK@0.1 on renders, visible joints"] == ("not measured", "≥ 92 %", "–")
    assert table["all weights files"][1:] == ("≤ 60 MB", "yes")


def test_the_card_holds_models_training_figures_and_only_pictures_that_are_there(trained, tmp_path):
    (tmp_path / card.PLATES).mkdir()
    card.plate_path(tmp_path / "CARD.md", "segmenter").write_bytes(b"jpeg")
    card.write(tmp_path / "CARD.md", ENTRIES, Models(trained))
    text = (tmp_path / "CARD.md").read_text()
    assert re.findall(r"!\[[^]]*\]\(([^)]+)\)", text) == ["models/segmenter.jpg"]
    assert str(trained) not in text and "/tmp" not in text and str(tmp_path) not in text
    for folder in ("draft/vae", "draft", "redraw", "segmenter", "keypoints", "mesh", "prior"):
        steps = 4 if folder == "draft" else 2  # the draft begins with smaller pictures
        assert f"| {folder} | 1 | {steps} | " in text
    assert "Not measured on these weights: vae, keypoints, prior, speed." in text
    assert "| segmenter: person IoU, mean over pictures | – | 0.91 | – | – | – | – |" in text
    assert "config=embedded.yaml " in text and "config=embedded_evaluate.yaml" in text


def test_text_of_captions_is_escaped(trained, tmp_path):
    (tmp_path / card.PLATES).mkdir()
    card.plate_path(tmp_path / "CARD.md", "drafts").write_bytes(b"jpeg")
    card.write(tmp_path / "CARD.md", ENTRIES, Models(trained))
    assert r"1. a skier, \*bold\* and \<b\>" in (tmp_path / "CARD.md").read_text()


def test_a_folder_with_some_models_only_has_a_card_too(trained, tmp_path):
    import shutil

    shutil.copytree(trained / "prior", tmp_path / "weights" / "prior")
    card.write(tmp_path / "CARD.md", {}, Models(tmp_path / "weights"))
    text = (tmp_path / "CARD.md").read_text()
    assert "Not in this folder: draft/vae, draft, redraw, segmenter, keypoints, mesh." in text
    assert "| prior | synthgen VPoser v2 | 32 neurons, code of 8 |" in text


def test_parameters_are_counted_in_the_files(trained):
    from synthgen.backends.vposer import VPoser
    from synthgen.embedded.exam import inventory

    (prior,) = [one for one in inventory.kept(trained) if one.folder == "prior"]
    assert prior.parameters == sum(
        value.numel() for value in VPoser.from_folder(trained / "prior").state_dict().values()
    )
