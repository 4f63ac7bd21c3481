"""The few-shot experiment: stand-in pictures as people annotate them, arms, what came of them, a page."""
