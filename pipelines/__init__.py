"""Recipes: flat scripts, each a `Config` dataclass and `main(config) -> exit code`; `synthgen.run` finds them."""
