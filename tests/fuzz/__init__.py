"""Fuzzing of every door through which a stranger's bytes come in: `python -m tests.fuzz`."""
