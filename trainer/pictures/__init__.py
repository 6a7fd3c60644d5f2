"""Pictures of a network for a person to judge: one cell's week, a fault beside its twin, the population of cells."""

from trainer.pictures.choice import choose_cell, choose_episodes
from trainer.pictures.fault import draw_fault
from trainer.pictures.population import draw_population
from trainer.pictures.subject import Subject, open_subject
from trainer.pictures.week import draw_week

__all__ = [
    "Subject",
    "choose_cell",
    "choose_episodes",
    "draw_fault",
    "draw_population",
    "draw_week",
    "open_subject",
]
