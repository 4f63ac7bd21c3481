"""What `pipeline=bench` measures: the machinery around the models, with sleeps in the place of networks, and
the refinement of poses beside a plain implementation.

Each part returns figures and prints nothing.
"""
