"""How real pictures look, as numbers: FID and KID, of whole pictures and of the people in them.

`pictures` reads sets of pictures, `people` cuts people out, `preparing` makes them what the network takes,
`inception` is the network, `origin` says where its file is to be had, `weights` reads it, `features` runs the
network, `distances` compares two sets with torchmetrics, `figures` names what comes of it, `tables` writes
it, `sheet` shows what the network saw.
"""
