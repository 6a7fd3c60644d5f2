"""Errors of malformed JSON: everything that msgspec raises for bytes that are not what was expected."""

import msgspec

MALFORMED_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Not JSON or of another type; not UTF-8; nested more deeply than the interpreter's stack allows."""
