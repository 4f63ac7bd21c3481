"""Small made data sets in the layouts of the published ones, one module for each or a few."""
