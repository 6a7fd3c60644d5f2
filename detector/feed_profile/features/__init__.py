"""Features of a feed: values against catalogue and baseline, units, and names that changed."""
