"""How real pictures look, as numbers: FID and KID, of whole pictures and of the people in them.

`pictures` reads sets of pictures, `people` cuts people out, `preparing` makes them what the network takes,
`inception` is the network, `weights` reads its file, `features` runs it, `distances` compares two sets with
torchmetrics, `tables` writes what came of it, `sheet` shows what the network saw.
"""
