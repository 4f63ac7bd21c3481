"""A local viewer of shards in the browser: pages through samples, shows their labels, marks bad ones."""
