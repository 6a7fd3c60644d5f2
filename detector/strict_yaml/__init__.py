"""Strict YAML: documents are read with the position of every value, and whatever could be misread is refused.

A plain value that YAML 1.1 and YAML 1.2 read differently is refused, because the writer may have meant either. So is a
key that stands twice. Configuration, catalogues and scenarios are read here and nowhere else.
"""
