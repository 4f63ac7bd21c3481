"""What `pipeline=bench` measures: the machinery around the models, and refinement beside a plain one.

Sleeps stand for the networks of the generator. Each part returns figures and prints nothing.
"""
