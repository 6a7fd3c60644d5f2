"""Recipes: three ways to make a bundle, each from a typed request.

`simulated` trains on simulated faults. `unlabelled` trains on shapes injected into normal windows, or takes the shipped
encoder. `adaptation` takes an encoder to another network without training. `training` chooses between the first two.
"""
