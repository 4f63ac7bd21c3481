import numpy as np

from synthgen.embedded.exam.probe import Probe

COLORS = {"snow": (235, 235, 245), "hall": (150, 110, 70), "pool": (40, 120, 200)}


def pictures(name, count, seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 30, (count, 32, 32, 3))
    return list(np.clip(np.array(COLORS[name]) + noise, 0, 255).astype(np.uint8))


def test_it_separates_colours_it_was_taught_and_nothing_else():
    probe = Probe(tuple(COLORS))
    probe.learn({name: pictures(name, 12, 0) for name in COLORS}, seed=3, steps=40)
    names = [name for name in COLORS for _ in range(5)]
    fresh = [picture for name in COLORS for picture in pictures(name, 5, 1)]
    assert probe.accuracy(fresh, names) == 1
    assert probe.accuracy(fresh, names[5:] + names[:5]) == 0


def test_the_same_seed_teaches_the_same_and_leaves_torchs_chance_alone():
    import torch

    taught = {name: pictures(name, 4, 0) for name in COLORS}
    outputs = []
    for _ in range(2):
        torch.manual_seed(0)
        probe = Probe(tuple(COLORS))
        probe.learn(taught, seed=5, steps=3)
        outputs.append(torch.cat([value.flatten() for value in probe._net.state_dict().values()]))
        outputs.append(torch.rand(1))
    assert torch.equal(outputs[0], outputs[2]) and torch.equal(outputs[1], outputs[3])
