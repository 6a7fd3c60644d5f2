"""Shipped bundle: a trained encoder without a network of its own; `adapt` and the demo calibrate it on one.

It has the fleet's baseline but no cell's, and only as many normal stretches as a bundle needs.
"""

from pathlib import Path

SHIPPED = Path(__file__).parent / "tree"
"""Directory of the shipped bundle."""
