"""Every loss beside every other: on the same windows, from the same seeds, for as many steps; told on one page.

Nothing is written here that a run did not measure, and no fault class is touched that the project holds out.
"""
