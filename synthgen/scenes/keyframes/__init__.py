"""The pose library: every action of every family, as keyframes."""

from synthgen.scenes.action import Action
from synthgen.scenes.keyframes import athletics, diving, everyday, gymnastics, ski, yoga, yoga_floor

LIBRARY: dict[str, tuple[Action, ...]] = {
    "everyday": everyday.ACTIONS,
    "ski": ski.ACTIONS,
    "gymnastics": gymnastics.ACTIONS,
    "diving": diving.ACTIONS,
    "athletics": athletics.ACTIONS,
    "yoga": yoga.ACTIONS + yoga_floor.ACTIONS,
}
