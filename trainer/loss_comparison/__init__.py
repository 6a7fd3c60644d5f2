"""Comparison of all losses on the same windows, seeds and number of steps, with a report on one HTML page.

The report contains only figures that the run measured. Held-out fault classes take no part.
"""
