"""Report of the comparison: figures, pictures, texts and the HTML page."""
