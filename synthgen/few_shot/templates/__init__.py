"""Page template and style sheet of the few-shot report."""
