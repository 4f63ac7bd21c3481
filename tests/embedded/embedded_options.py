"""Options that make every model tiny."""

from dataclasses import replace

from synthgen.embedded.options import (
    Curriculum,
    DraftOptions,
    KeypointsOptions,
    MeshOptions,
    PriorOptions,
    RedrawOptions,
    SegmenterOptions,
    Training,
    VaeOptions,
)
from synthgen.embedded.redrawn_options import RedrawnOptions

TRAINING = Training(steps=2, minutes=1, batch_size=4, learning_rate=2e-3, ema_decay=0.9)
TINY = Curriculum(
    vae=VaeOptions(TRAINING, widths=[8, 16, 16], norm_groups=4, crop=32),
    draft=DraftOptions(
        TRAINING, TRAINING, widths=[16, 32], attention=[False, True], norm_groups=8, head_width=16,
        text_width=32, text_layers=1, text_heads=2, max_tokens=24, vocabulary=700,
    ),
    redraw=RedrawOptions(TRAINING),
    redrawn=RedrawnOptions(4, num_inference_steps=2),
    segmenter=SegmenterOptions(
        TRAINING, input_size=64, widths=[8, 8, 16, 16], depths=[1, 1, 1, 1], decoder_width=16
    ),
    keypoints=KeypointsOptions(
        TRAINING, height=64, patch_size=16, width=32, depth=1, heads=2
    ),
    mesh=MeshOptions(
        TRAINING, height=64, patch_size=16, width=32, depth=2, heads=2, decoder_width=32
    ),
    prior=PriorOptions(replace(TRAINING, batch_size=16), poses=24, everyday=0.5, neurons=32, latent_dim=8),
)  # fmt: skip
