"""Shipped bundle: a trained encoder without a network of its own; `adapt` and the demo calibrate it on one.

It holds no cell's baseline but the fleet's, and as little normal life as a bundle may have.
"""

from pathlib import Path

SHIPPED = Path(__file__).parent / "tree"
"""Directory of the shipped bundle."""
