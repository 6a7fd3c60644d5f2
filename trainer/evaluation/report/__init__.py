"""Report of an evaluation: one HTML page with plots."""
