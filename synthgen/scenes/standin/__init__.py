"""A second appearance of the `render` source, kept from every model: a stand-in for real pictures of a sport.

Places, light, clothes, lenses and film of its own; bodies, poses and what is held are those of the library,
so that labels are as exact as ever. See `synthgen.scenes.appearance`.
"""
