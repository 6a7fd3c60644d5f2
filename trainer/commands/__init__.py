"""One verb, one file, named after it."""
