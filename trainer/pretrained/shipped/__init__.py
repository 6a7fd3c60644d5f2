"""The bundle that comes with the product: an encoder, at home nowhere yet; `adapt` and the demo make it so.

Without baselines but the fleet's, and with as little of a normal life as a bundle must have: what is shipped is what
was learned.
"""

from pathlib import Path

SHIPPED = Path(__file__).parent / "tree"
