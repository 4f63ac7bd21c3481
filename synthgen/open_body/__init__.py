"""The arithmetic that `pipelines/build_open_body.py` builds the bundled body with; nothing else needs it."""
