"""Part `vae`: what is left of a picture after it went through a latent."""

import numpy as np
import torch

from synthgen.embedded import grids, vae
from synthgen.embedded.exam.exam import Answer, Exam
from synthgen.embedded.exam.plates import plate, spread
from synthgen.embedded.exam.scores import by_family

_SHOWN = 16
_AT_ONCE = 8  # pictures


def examine(exam: Exam) -> Answer:
    """Measure the peak signal-to-noise ratio of whole pictures, rounded to 8 bits."""
    samples = exam.people
    found, quality = [], []
    for start in range(0, len(samples), _AT_ONCE):
        images = np.stack([sample.image for sample in samples[start : start + _AT_ONCE]])
        with torch.inference_mode():
            signed = vae.reconstruct(exam.models.vae, vae.to_signed(images).to(exam.models.device))
        again = grids.to_uint8(signed / 2 + 0.5)
        found += list(again)
        pairs = zip(again, images, strict=True)
        quality += [vae.psnr(vae.to_signed(a[None]), vae.to_signed(b[None])) for a, b in pairs]
    families = [sample.labels[0].family for sample in samples]
    shown = spread(len(samples), _SHOWN)
    cells = [np.concatenate([samples[n].image, found[n]]) for n in shown]
    return Answer(
        f"{len(samples)} renders",
        {"psnr": float(np.mean(quality)), **by_family("psnr", quality, families)},
        {"vae": plate(cells, [f"{families[n]}  {quality[n]:.1f} dB" for n in shown], 8)},
    )
