"""A training that is stopped and goes on is the training that was never stopped."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from synthgen.training import checkpoint, loop, memory, schedule
from synthgen.training.journal import rows_of
from synthgen.training.loop import Desk, train
from synthgen.training.options import TrainingOptions

OPTIONS = TrainingOptions(
    *(12, 8), accumulate=2, learning_rate=1e-2, ema_decay=0.9, report_every=3, picture_every=1, warmup=2
)


class Line(nn.Module):
    """Learn y = 2x through a layer that drops channels and one that keeps statistics."""

    def __init__(self, value=0.0):
        super().__init__()
        torch.manual_seed(3)
        self.frozen = nn.Linear(1, 1).requires_grad_(False)
        self.net = nn.Sequential(nn.Linear(1, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 1))
        self.value = value

    def forward(self, x):
        loss = ((self.net(x) - 2 * x) ** 2).mean() + self.value
        return {"loss": loss, "twice": 2 * loss}


class Lines:
    """Numbers from a place in a stream, and noise on top."""

    def __init__(self, stop_at=None, value=0.0):
        self.module, self.place, self.stop_at, self.calls = Line(value), 0, stop_at, 0

    def batch(self, draw):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        self.place += 8
        x = torch.arange(self.place - 8, self.place, dtype=torch.float32)[:, None] % 5 / 5
        return (x + 0.1 * draw.normal(8, 1),)

    def few(self, batch, count):
        return (batch[0][:count],)

    def measure(self):
        assert not self.module.training
        return {"at_one": float(self.module.net(torch.ones(1, 1)))}

    def picture(self):
        return np.full((4, 4, 3), 7, np.uint8)

    def state_dict(self):
        return {"place": self.place}

    def load_state_dict(self, state):
        self.place = state["place"]


def desk(folder, inputs="a"):
    return Desk("line", str(folder), "cpu", False, 0, inputs)


def weights(lesson):
    return torch.cat([value.flatten() for value in lesson.module.state_dict().values()])


def without_seconds(folder):
    return [{key: row[key] for key in row if key != "seconds"} for row in rows_of(str(folder))]


def trained(options, folder, **words):
    lesson = Lines(**words)
    train(lesson, options, desk(folder))
    return lesson


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("stop_at", [3, 8, 18])
def test_a_stopped_training_ends_bit_for_bit_like_an_unbroken_one(tmp_path, optimizer, stop_at):
    options = replace(OPTIONS, checkpoint_minutes=0.0, optimizer=optimizer)
    whole = trained(options, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(options, tmp_path / "broken", stop_at=stop_at)
    torch.rand(7)  # whatever happens in between
    again = trained(options, tmp_path / "broken")
    assert torch.equal(weights(whole), weights(again))
    assert without_seconds(tmp_path / "whole") == without_seconds(tmp_path / "broken")
    assert [row["step"] for row in rows_of(str(tmp_path / "broken"))] == [3, 6, 9, 12]


def test_rows_written_after_the_checkpoint_are_written_anew(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    trained(OPTIONS, whole)
    with pytest.raises(KeyboardInterrupt):  # its only checkpoint would be the last one
        trained(OPTIONS, broken, stop_at=20)
    assert [row["step"] for row in rows_of(str(broken))] == [3, 6, 9]
    trained(OPTIONS, broken)
    assert without_seconds(whole) == without_seconds(broken)


def test_the_result_is_the_average_and_a_finished_training_is_loaded(tmp_path):
    options = replace(OPTIONS, ema_decay=0.999)
    first = trained(options, tmp_path)
    newest = checkpoint.load(str(tmp_path), torch.device("cpu"))
    assert torch.equal(first.module.net[0].weight, newest["average"]["net.0.weight"])
    assert not torch.equal(first.module.net[0].weight, newest["weights"]["net.0.weight"])
    again = Lines(stop_at=2)  # the memory estimate takes one batch, and gives it back
    train(again, options, desk(tmp_path))
    assert torch.equal(weights(first), weights(again)) and again.place == first.place


def test_only_what_is_trained_is_in_the_checkpoint(tmp_path):
    lesson = trained(OPTIONS, tmp_path)
    state = checkpoint.load(str(tmp_path), torch.device("cpu"))
    assert set(state["weights"]) == {f"net.{name}" for name, _ in lesson.module.net.named_parameters()}
    assert set(state["statistics"]) == {
        *("net.1.running_mean", "net.1.running_var", "net.1.num_batches_tracked"),
    }


def test_a_checkpoint_of_other_inputs_is_not_used(tmp_path):
    trained(OPTIONS, tmp_path)
    other = Lines()
    train(other, replace(OPTIONS, steps=4), desk(tmp_path, "b"))
    assert other.place == 4 * 2 * 8
    assert [row["step"] for row in rows_of(str(tmp_path))] == [3, 4]


def test_pictures_and_scalars_are_there_for_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained(OPTIONS, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {"loss", "twice", "rate", "at_one"} <= set(events.Tags()["scalars"])
    rows = rows_of(str(tmp_path))
    assert [event.step for event in events.Scalars("loss")] == [row["step"] for row in rows]
    assert [event.step for event in events.Images("samples")] == [3, 6, 9, 12]
    assert len(list(tmp_path.glob("sample-*.png"))) == 4


def test_a_loss_that_is_no_number_ends_the_training_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="line: the loss or its gradient is no finite number at step 0"):
        trained(OPTIONS, tmp_path, value=float("nan"))


def test_a_file_that_is_no_checkpoint_is_told_apart(tmp_path):
    (tmp_path / checkpoint.NAME).write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(ValueError, match="is no checkpoint of a training"):
        trained(OPTIONS, tmp_path)


def test_the_rate_falls_in_steps_or_smoothly():
    options = TrainingOptions(30, drops=(0.5, 0.8333), learning_rate=1.0, warmup=3)
    rates = [schedule.rate(step, options) for step in range(30)]
    assert rates[:3] == [0.25, 0.5, 0.75] and rates[3:15] == [1.0] * 12
    assert rates[15:25] == pytest.approx([0.1] * 10) and rates[25:] == pytest.approx([0.01] * 5)
    smooth = [schedule.rate(step, replace(options, schedule="cosine")) for step in range(3, 30)]
    assert smooth[0] == 1 and all(after < before for before, after in pairwise(smooth))


def test_memory_is_told_before_the_start(tmp_path, caplog):
    caplog.set_level("INFO")
    trained(OPTIONS, tmp_path)
    assert "line: memory about" in caplog.text
    model = nn.Sequential(nn.Linear(100, 100, bias=False), nn.Linear(100, 10).requires_grad_(False))
    found = memory.estimate(model, replace(OPTIONS, ema_decay=0.9), 500)
    assert (found.frozen, found.trained, found.optimizer, found.average) == (4040, 40000, 80000, 40000)
    assert found.total == 4040 + 5 * 40000 + 500


def test_what_the_backward_pass_needs_is_counted_once():
    x = torch.zeros(8, 100)
    model = nn.Sequential(nn.Linear(100, 100), nn.Sigmoid(), nn.Sigmoid())
    kept = memory.saved_bytes(lambda: model(x), model)
    assert kept == 4 * 8 * (100 + 2 * 100)  # the input, and what each sigmoid gave
    assert loop.LINE_EVERY_S > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"drops": (0.5, 1.5)}, "drops must be parts of all steps"),
        ({"ema_decay": 1.0}, "ema_decay must be in"),
    ],
)
def test_wrong_options_are_named(change, words):
    assert OPTIONS.problems() == []
    assert words in "; ".join(replace(OPTIONS, **change).problems())
