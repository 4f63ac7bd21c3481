"""All everyday actions."""

from synthgen.scenes.keyframes import handling, locomotion, resting, standing

ACTIONS = standing.ACTIONS + handling.ACTIONS + locomotion.ACTIONS + resting.ACTIONS
