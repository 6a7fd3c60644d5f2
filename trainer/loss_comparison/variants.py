"""Variants of the comparison: each loss, and a loss with alternatives once for each of them."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass

from detector.core.networks.registry import NETWORKS
from trainer.losses.loss import LossError, Option
from trainer.losses.options import parse_option
from trainer.losses.registry import CHOICES, LOSSES, choose_loss

VARIED_OPTIONS = {"triplet": "mining", "similarity": "join"}
"""Option that is varied, by loss: those that the literature discusses."""

GROUPS = {
    "triplets": ("triplet", "soft_margin", "lossless_triplet"),
    "pairs": ("contrastive", "similarity"),
}
OTHER_GROUP = "whole batches"
"""Groups of losses that share a plot; all further losses use whole batches."""

PRETRAINED = "shared"
"""Kind of encoder that is shipped pre-trained: no loss trains its network here."""

OPTION_LABELS = {"difference": "|a − b|", "distance": "Euclid"}
"""Labels of option values in a name."""


@dataclass(frozen=True)
class Variant:
    """Loss with its options, on a kind of encoder."""

    loss: str
    options: tuple[tuple[str, Option], ...] = ()
    encoder: str = "tree"

    @property
    def key(self) -> str:
        """Loss and options as on the command line, without the encoder."""
        return ":".join([self.loss, *(f"{name}={value}" for name, value in self.options)])

    @property
    def name(self) -> str:
        """Loss and options for a reader."""
        labels = [
            str(OPTION_LABELS.get(str(value), value)) if name in CHOICES else f"{name} {value:g}"
            for name, value in self.options
        ]
        return ", ".join([self.loss.replace("_", " "), *labels])

    @property
    def group(self) -> str:
        """Group of the loss, for plots."""
        return next((name for name, losses in GROUPS.items() if self.loss in losses), OTHER_GROUP)

    @property
    def join(self) -> str | None:
        """Join of the two embeddings in the head of a pairwise loss; None for a loss without a head."""
        options = {**LOSSES[self.loss].options, **dict(self.options)}
        return str(options["join"]) if "join" in options else None


def parse_variants(losses: Sequence[str], encoders: Sequence[str]) -> list[Variant]:
    """Return the variants of each loss, NAME[:OPTION=VALUE…], on each encoder.

    A loss without options stands for all values of its varied option. Raises LossError for an unknown loss, option or
    encoder.
    """
    for encoder in encoders:
        if encoder not in NETWORKS or encoder == PRETRAINED:
            trainable = ", ".join(name for name in NETWORKS if name != PRETRAINED)
            problem = "comes pre-trained and learns no loss here" if encoder == PRETRAINED else "is unknown"
            raise LossError(f"encoder {encoder!r} {problem}; choose one of {trainable}.")
    variants = dict.fromkeys(variant for text in losses for variant in _parse_loss(text))
    return [Variant(variant.loss, variant.options, encoder) for encoder in encoders for variant in variants]


def _parse_loss(text: str) -> list[Variant]:
    name, *parts = text.split(":")
    try:
        options = tuple(parse_option(part) for part in parts)
    except ArgumentTypeError as error:
        raise LossError(f"--losses {text}: {error}; as in triplet:mining=random.") from None
    choose_loss(name, dict(options))
    varied_option = VARIED_OPTIONS.get(name)
    if options or varied_option is None:
        return [Variant(name, options)]
    return [Variant(name, ((varied_option, choice),)) for choice in CHOICES[varied_option]]
