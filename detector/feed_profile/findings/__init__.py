"""Findings of a feed's profile: rules that turn what was measured into sentences with remedies."""
