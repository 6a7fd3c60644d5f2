"""Verbs of `faultline`: one light module each, named after the verb, with its arguments.

`run(arguments)` makes a typed request and imports the work once. Work that mostly prints stands in NAME_report.
"""
