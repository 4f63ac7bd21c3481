"""What `pipeline=bench` measures of the machinery around the models, with sleeps in the place of networks.

Each part returns figures and prints nothing.
"""
