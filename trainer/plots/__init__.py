"""Plots of a network: one cell's week, a fault beside its fault-free twin, the population of cells."""

from trainer.plots.fault import draw_fault
from trainer.plots.population import draw_population
from trainer.plots.selection import choose_cell, choose_episodes
from trainer.plots.subject import Subject, open_subject
from trainer.plots.week import draw_week

__all__ = [
    "Subject",
    "choose_cell",
    "choose_episodes",
    "draw_fault",
    "draw_population",
    "draw_week",
    "open_subject",
]
