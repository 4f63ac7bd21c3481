"""Options of the pictures that the redraw model draws for others to learn from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RedrawnOptions:
    """Training pictures that the redraw model draws anew.

    Attributes:
        count: how many, all families alike; 0 for none.
        num_inference_steps: of the redraw model.
        guidance_scale: of its guidance, by caption and depth.
        minutes: what drawing takes on one core, measured; `hours` scales the count by them.
    """

    count: int = 6000
    num_inference_steps: int = 12
    guidance_scale: float = 4.0
    minutes: float = 36.0

    def problems(self) -> list[str]:
        """Return what is wrong with these options, one message each."""
        found: list[str] = []
        if self.count < 0 or self.num_inference_steps < 1:
            found.append(
                "count must be at least 0 and num_inference_steps at least 1, "
                f"got {self.count}, {self.num_inference_steps}"
            )
        if self.minutes <= 0 or self.guidance_scale < 0:
            found.append(
                "minutes must be above 0 and guidance_scale at least 0, "
                f"got {self.minutes}, {self.guidance_scale}"
            )
        return found
