"""Who takes part: every loss, and those that can be used in several ways once in each."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass

from detector.core.networks.registry import NETWORKS
from trainer.losses.loss import LossError, Option
from trainer.losses.options import parse_option
from trainer.losses.registry import CHOICES, LOSSES, choose_loss

VARIED = {"triplet": "mining", "similarity": "join"}
"""Of the losses that have such a choice, those whose literature argues about it."""

GROUPS = {
    "triplets": ("triplet", "soft_margin", "lossless_triplet"),
    "pairs": ("contrastive", "similarity"),
}
OTHERS = "whole batches"

SHIPPED = "shared"
"""The kind whose network no loss trains here: it comes as it is."""

WORDS = {"difference": "|a − b|", "distance": "Euclid"}


@dataclass(frozen=True)
class Variant:
    """A loss, how it is used, and on which kind of encoder."""

    loss: str
    options: tuple[tuple[str, Option], ...] = ()
    encoder: str = "tree"

    @property
    def key(self) -> str:
        """As on the command line, but for the encoder."""
        return ":".join([self.loss, *(f"{name}={value}" for name, value in self.options)])

    @property
    def name(self) -> str:
        told = [str(WORDS.get(str(v), v)) if name in CHOICES else f"{name} {v:g}" for name, v in self.options]
        return ", ".join([self.loss.replace("_", " "), *told])

    @property
    def group(self) -> str:
        return next((name for name, losses in GROUPS.items() if self.loss in losses), OTHERS)

    @property
    def join(self) -> str | None:
        """How the head of a pairwise loss joins its two embeddings; None for a loss without a head."""
        options = {**LOSSES[self.loss].options, **dict(self.options)}
        return str(options["join"]) if "join" in options else None


def contestants(losses: Sequence[str], encoders: Sequence[str]) -> list[Variant]:
    """Each of the losses, NAME[:OPTION=VALUE…], on each encoder; a loss of several ways, named alone, in each.

    Raises LossError for what cannot be had.
    """
    for encoder in encoders:
        if encoder not in NETWORKS or encoder == SHIPPED:
            known = ", ".join(name for name in NETWORKS if name != SHIPPED)
            told = f"encoder {encoder!r} that learns from these" if encoder == SHIPPED else f"encoder {encoder!r}"
            raise LossError(f"there is no {told}; choose one of {known}.")
    found = [one for text in losses for one in _ways(text)]
    return [Variant(one.loss, one.options, encoder) for encoder in encoders for one in dict.fromkeys(found)]


def _ways(text: str) -> list[Variant]:
    name, *parts = text.split(":")
    try:
        options = tuple(parse_option(part) for part in parts)
    except ArgumentTypeError as error:
        raise LossError(f"--losses {text}: {error}; as in triplet:mining=random.") from None
    choose_loss(name, dict(options))
    varied = VARIED.get(name)
    if options or varied is None:
        return [Variant(name, options)]
    return [Variant(name, ((varied, choice),)) for choice in CHOICES[varied]]
