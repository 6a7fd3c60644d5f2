"""Programs that measure the product: each prints a table and writes build/NAME.json. None of them is a test."""
