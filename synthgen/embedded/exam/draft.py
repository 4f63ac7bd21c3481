"""Part `draft`: do captions alone make one person, and the sport they name?"""

from collections.abc import Sequence

import numpy as np

from synthgen.embedded.exam import exam as streams
from synthgen.embedded.exam import probe
from synthgen.embedded.exam.exam import Answer, Exam, Picture
from synthgen.embedded.exam.plates import plate
from synthgen.embedded.exam.scores import by_family, is_one_person
from synthgen.sample import Sample

_SHOWN = 64
_WRITTEN_OUT = 8  # captions in the card


def examine(exam: Exam) -> Answer:
    """Draw captions of fresh renders, one seed each, and ask segmenter and probe; about the renders, too.

    The renders' own share of "one person" is what a perfect draft could reach: some show a person small.
    """
    samples = exam.alone(exam.settings.drafts)
    captions = [sample.request.prompt for sample in samples]
    families = [sample.labels[0].family for sample in samples]
    seeds = exam.seeds(streams.DRAFTS, len(samples))
    drafts = list(exam.models.draft(captions, [""] * len(samples), seeds).images)
    renders = [sample.image for sample in samples]
    figures: dict[str, float] = {}
    for name, images in (("one_person", drafts), ("render_one_person", renders)):
        is_one = [float(is_one_person(segments)) for segments in exam.models.segmenter(images)]
        figures |= {name: float(np.mean(is_one)), **by_family(name, is_one, families)}
    figures |= _steering(exam, samples, drafts)
    lines = range(min(len(samples), _SHOWN))
    return Answer(
        f"{len(samples)} drafts; probe taught with {exam.settings.probe} renders of each family",
        figures,
        {"drafts": plate([drafts[n] for n in lines], [families[n] for n in lines], 8)},
        {"captions": [captions[n] for n in lines[:_WRITTEN_OUT]]},
    )


def _steering(exam: Exam, samples: Sequence[Sample], drafts: Sequence[Picture]) -> dict[str, float]:
    """Return how often the probe tells the family of drafts, and of the renders with the same captions."""
    judge = probe.Probe()
    pictures = {name: [one.image for one in exam.for_probe(name)] for name in judge.names}
    judge.learn(pictures, exam.seeds(streams.PROBE, 1)[0])
    rows = [n for n, sample in enumerate(samples) if sample.labels[0].family in judge.names]
    if not rows:
        return {}
    names = [samples[n].labels[0].family for n in rows]
    return {
        "probe": judge.accuracy([drafts[n] for n in rows], names),
        "probe_renders": judge.accuracy([samples[n].image for n in rows], names),
        "probe_count": float(len(rows)),
    }
