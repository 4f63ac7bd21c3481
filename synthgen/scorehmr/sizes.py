"""Sizes of a denoiser."""

from dataclasses import dataclass

from synthgen.joints import SMPL24

POSE_WIDTH = 6 * len(SMPL24)
NUM_BETAS = 10
SHAPE_TIME_WIDTH = 4 * NUM_BETAS


@dataclass(frozen=True)
class DenoiserConfig:
    """Sizes; the defaults are the published model on PARE features.

    Attributes:
        pose_features: image features that the pose reads.
        shape_features: image features that the shape reads; 0 without `use_betas`.
        is_split: the pose reads the first features and the shape the ones after them, as with PARE; otherwise
            both read the same.
        hidden: width of each block's hidden layer.
        num_blocks: residual blocks of the pose.
        num_shape_blocks: residual blocks of the shape.
        time_width: width of the pose's time embedding.
        use_betas: the model knows shape as well.
        num_steps: of the cosine schedule.
    """

    pose_features: int = 3072
    shape_features: int = 0
    is_split: bool = False
    hidden: int = 1024
    num_blocks: int = 3
    num_shape_blocks: int = 2
    time_width: int = 4 * POSE_WIDTH
    use_betas: bool = False
    num_steps: int = 1000

    def __post_init__(self) -> None:
        sizes = ("pose_features", "hidden", "num_blocks", "num_shape_blocks", "time_width")
        problems = [f"{name} must be at least 1, got {getattr(self, name)}" for name in sizes
                    if getattr(self, name) < 1]  # fmt: skip
        if (self.shape_features > 0) != self.use_betas or self.shape_features < 0:
            problems.append(
                f"shape_features must be above 0 with use_betas and 0 without, got {self.shape_features}"
            )
        if self.use_betas and not self.is_split and self.shape_features != self.pose_features:
            problems.append(
                "shape_features must equal pose_features unless is_split, got "
                f"{self.shape_features} and {self.pose_features}"
            )
        if self.num_steps < 2:
            problems.append(f"num_steps must be at least 2, got {self.num_steps}")
        if problems:
            raise ValueError("\n".join(problems))

    @property
    def num_features(self) -> int:
        """Features of a picture, all together."""
        return self.pose_features + (self.shape_features if self.is_split else 0)

    @property
    def width(self) -> int:
        """Numbers in the vector of a person."""
        return POSE_WIDTH + (NUM_BETAS if self.use_betas else 0)
