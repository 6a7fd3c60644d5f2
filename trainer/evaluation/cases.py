"""Cases of an evaluation: a bundle, and a history with its episodes. A report shows several cases side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detector.backtest.matching import Episode, read_episodes
from detector.bundle.format import Bundle, read_bundle
from detector.bundle.verification import start_encoder
from detector.config.schema import Config
from detector.core.encoder import Encode
from detector.core.settings import Settings
from detector.errors import OperatorError
from detector.history.parquet import HistoryError, ParquetDays


class EvaluationError(OperatorError):
    """Request that cannot be evaluated, or a history with too few episodes."""


@dataclass(frozen=True)
class EvaluationCase:
    """Paths of a case, as the command line gives them."""

    name: str
    history: Path
    bundle: Path
    episodes: Path | None = None
    """None: episodes.csv in the history."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSubject:
    """Case whose files are open: history, bundle, encoder and episodes."""

    case: EvaluationCase
    days: ParquetDays
    bundle: Bundle
    encode: Encode
    episodes: Sequence[Episode]
    settings: Settings
    """Default settings of the daemon."""


def read_case(text: str) -> EvaluationCase:
    """Parse NAME:HISTORY:BUNDLE. Raises EvaluationError."""
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        raise EvaluationError(f"--case {text}: is not NAME:HISTORY:BUNDLE, as in B:history-b:bundle-b.")
    return EvaluationCase(parts[0], Path(parts[1]), Path(parts[2]))


def open_cases(cases: Sequence[EvaluationCase]) -> list[EvaluationSubject]:
    """Open the files of all cases, then start their encoders: a mistake in the last case must not wait for the first.

    Raises BundleError, and HistoryError if files are missing or if history and bundle have different features.
    """
    opened = [_open_files(case) for case in cases]
    return [
        EvaluationSubject(
            case=case,
            days=days,
            bundle=bundle,
            encode=start_encoder(bundle, case.bundle, 0),
            episodes=episodes,
            settings=Config(bundle=str(case.bundle)).settings_at(bundle.catalogue.period_minutes),
        )
        for case, (days, bundle, episodes) in zip(cases, opened, strict=True)
    ]


def _open_files(case: EvaluationCase) -> tuple[ParquetDays, Bundle, list[Episode]]:
    """Return history, bundle and episodes of a case."""
    listed = case.episodes or case.history / "episodes.csv"
    if not listed.exists():
        raise HistoryError(f"{listed}: does not exist; an evaluation needs named episodes. Give --episodes FILE.")
    episodes = list({episode.key: episode for episode in read_episodes(listed)}.values())
    days = ParquetDays(case.history)
    bundle = read_bundle(case.bundle)
    if days.catalogue.digest != bundle.catalogue.digest:
        raise HistoryError(
            f"{case.history}/catalogue.yaml: has other features than {case.bundle} ({days.catalogue.digest},"
            f" {bundle.catalogue.digest}). Give a bundle that was made for this network."
        )
    return days, bundle, episodes
