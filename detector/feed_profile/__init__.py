"""Feed profile: properties of a sample of raw records, compared with a bundle, and the findings that follow.

It reads records leniently and on its own, because it explains feeds that the decoder refuses or empties.
"""
