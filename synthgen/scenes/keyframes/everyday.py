"""All everyday actions."""

from synthgen.scenes.keyframes import locomotion, resting, standing

ACTIONS = standing.ACTIONS + locomotion.ACTIONS + resting.ACTIONS
