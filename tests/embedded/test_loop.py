import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from synthgen.embedded import loop
from synthgen.embedded.loop import Desk, rows_of, train
from synthgen.embedded.mesh import MeshLesson
from synthgen.embedded.options import MeshOptions, Training

TRAINING = Training(steps=6, minutes=1, batch_size=8, learning_rate=1e-2, ema_decay=0.9)


class Line:
    """Learn y = 2x through a layer that drops channels."""

    def __init__(self, value: float = 0.0) -> None:
        torch.manual_seed(3)
        self.model = nn.Sequential(nn.Linear(1, 16), nn.Dropout(0.5), nn.Linear(16, 1))
        self.value, self.calls = value, 0

    def loss(self, model, draw):
        self.calls += 1
        x = draw.normal(8, 1) + float(draw.rng.normal())
        return {"loss": ((model(x) - 2 * x) ** 2).mean() + self.value}

    def measure(self, model):
        assert not model.training
        return {"at_one": float(model(torch.ones(1, 1)))}

    def picture(self, model):
        return np.zeros((4, 4, 3), np.uint8)


def desk(folder, inputs="a", bf16=False):
    return Desk("line", folder, "cpu", bf16, 0, inputs)


def weights(model):
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def without_seconds(rows):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def interrupted(lesson_of, training, place, monkeypatch):
    """Train, stopped in the middle of a step, saving after each; then go on in a new process' stead."""
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY_S", 0.0)
    first = lesson_of()
    loss, calls = first.loss, []

    def failing(model, draw):
        calls.append(draw)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return loss(model, draw)

    first.loss = failing
    with pytest.raises(KeyboardInterrupt):
        train(first, training, place)
    torch.rand(7)  # whatever happens in between
    return train(lesson_of(), training, place)


def test_a_stopped_training_ends_bit_for_bit_like_an_unbroken_one(tmp_path, monkeypatch):
    whole = train(Line(), TRAINING, desk(tmp_path / "whole"))
    broken = interrupted(Line, TRAINING, desk(tmp_path / "broken"), monkeypatch)
    assert torch.equal(weights(whole), weights(broken))
    assert without_seconds(rows_of(tmp_path / "whole")) == without_seconds(rows_of(tmp_path / "broken"))
    assert [row["step"] for row in rows_of(tmp_path / "broken")] == list(range(1, 7))


def test_so_does_a_real_model_with_stochastic_depth(tmp_path, monkeypatch, pictures):
    options = MeshOptions(TRAINING, height=64, patch_size=16, width=32, depth=2, heads=2, decoder_width=32)

    def lesson():
        torch.manual_seed(5)
        return MeshLesson(options, pictures)

    whole = train(lesson(), TRAINING, desk(tmp_path / "whole", bf16=True))
    broken = interrupted(lesson, TRAINING, desk(tmp_path / "broken", bf16=True), monkeypatch)
    assert torch.equal(weights(whole), weights(broken))


def test_a_finished_training_is_not_repeated_but_that_of_other_inputs_is(tmp_path):
    done = train(Line(), TRAINING, desk(tmp_path))
    again = Line()
    assert torch.equal(weights(train(again, TRAINING, desk(tmp_path))), weights(done))
    assert again.calls == 0
    train(again, TRAINING, desk(tmp_path, inputs="b"))
    assert again.calls == TRAINING.steps
    assert len(rows_of(tmp_path)) == TRAINING.steps


def test_it_learns_and_writes_rows_and_pictures(tmp_path):
    train(Line(), replace(TRAINING, steps=300), desk(tmp_path))
    rows = rows_of(tmp_path)
    assert rows[-1]["step"] == rows[-1]["steps"] == 300
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert abs(rows[-1]["at_one"] - 2) < 0.3
    assert len(list(tmp_path.glob("sample-*.png"))) == len(rows) == loop.ROWS
    assert json.loads((tmp_path / loop.METRICS).read_text().splitlines()[0]) == rows[0]


def test_the_average_follows_the_weights_slowly(tmp_path):
    lesson = Line()
    start = weights(lesson.model)
    average = weights(train(lesson, TRAINING, desk(tmp_path)))
    moved = (weights(lesson.model) - start).norm()
    assert 0 < (average - start).norm() < moved


def test_chance_outside_is_left_alone(tmp_path):
    torch.manual_seed(11)
    expected = torch.rand(3)
    lesson = Line()
    torch.manual_seed(11)
    train(lesson, TRAINING, desk(tmp_path))
    assert torch.equal(torch.rand(3), expected)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    with pytest.raises(ValueError, match="line: loss is nan at step 1; lower its learning_rate"):
        train(Line(value=float("nan")), TRAINING, desk(tmp_path))
