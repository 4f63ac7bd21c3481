"""Recipes: flat scripts, each a `Config` dataclass and `main(config) -> int`; `synthgen.run` finds them."""
