"""Page, style sheet and scripts of the viewer."""
