"""Real data sets read into Observations: one file a layout, and the table of them."""
