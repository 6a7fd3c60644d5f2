"""Recipes: the three ways to train or adapt a bundle, from a typed request to a bundle on disk."""
