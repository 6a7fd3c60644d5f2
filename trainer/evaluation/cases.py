"""What is evaluated: a bundle on a history, with the episodes that befell it. Several stand side by side on a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.backtest.matching import Episode, read_episodes
from detector.bundle.format import Bundle
from detector.bundle.verification import open_bundle
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.settings import Settings
from detector.errors import OperatorError
from detector.history.parquet import HistoryError, ParquetDays


class EvaluationError(OperatorError):
    """A history that says too little, or a question that cannot be put."""


@dataclass(frozen=True)
class EvaluationCase:
    """As it was asked for."""

    name: str
    history: Path
    bundle: Path
    episodes: Path | None = None
    """None: those beside the history."""


@dataclass(frozen=True)
class EvaluationSubject:
    """A case, opened."""

    case: EvaluationCase
    days: ParquetDays
    bundle: Bundle
    encode: Encode
    episodes: Sequence[Episode]
    settings: Settings
    """The daemon's defaults: what an operator gets who turns no knob."""


def read_case(text: str) -> EvaluationCase:
    """NAME:HISTORY:BUNDLE. Raises EvaluationError."""
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        raise EvaluationError(f"--case {text}: is not NAME:HISTORY:BUNDLE, as in B:history-b:bundle-b.")
    return EvaluationCase(parts[0], Path(parts[1]), Path(parts[2]))


def open_case(case: EvaluationCase) -> EvaluationSubject:
    """Raises BundleError, and HistoryError where files are missing or the two do not belong together."""
    listed = case.episodes or case.history / "episodes.csv"
    if not listed.exists():
        raise HistoryError(
            f"{listed}: is not there, and without named episodes nothing is known; give --episodes FILE."
        )
    episodes = list({one.key: one for one in read_episodes(listed)}.values())
    days = ParquetDays(case.history)
    bundle, encode = open_bundle(case.bundle, 0)
    if days.catalogue.digest != bundle.catalogue.digest:
        raise HistoryError(
            f"{case.history}/catalogue.yaml: has other features than {case.bundle} ({days.catalogue.digest},"
            f" {bundle.catalogue.digest}); give a bundle that was made for this network."
        )
    return EvaluationSubject(case, days, bundle, encode, episodes, Config(bundle=str(case.bundle)).settings)
