"""Page and style sheet of the data set report."""
