"""Sources of guides beside rendered scenes: words to draw from, real pictures, given poses."""
