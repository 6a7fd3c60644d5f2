"""Choice of the recipe that a training request needs."""

from contextlib import ExitStack

from detector.backtest.matching import read_episodes
from detector.bundle.recognition import BUNDLE, expected_bytes
from detector.history.parquet import HistoryError
from detector.output.claim import claimed
from detector.output.kinds import ANY_FOLDER
from trainer.calibration.bundle_builder import STRETCHES
from trainer.data.history import START_MINUTE, ParquetHistory, SimulatedHistory
from trainer.data.history_checks import check_history
from trainer.losses.registry import choose_loss
from trainer.recipes.request import TrainRequest
from trainer.recipes.simulated import train_on_simulated_faults
from trainer.recipes.steps import training_path
from trainer.recipes.unlabelled import train_on_injected_faults
from trainer.simulator import Network

DAY_MINUTES = 1440


def train(request: TrainRequest) -> None:
    """Train an encoder and write its bundle to `request.out`.

    Raises OutputError, LossError, HistoryError before anything is simulated; TrainingError.
    """
    choose_loss(request.loss, request.loss_options)  # refused here, minutes before the loss is needed
    inputs = [request.history, request.episodes]
    with ExitStack() as stack:
        stack.enter_context(claimed(request.out, BUNDLE, inputs=inputs, bytes_needed=expected_bytes(STRETCHES)))
        if request.tensorboard:
            bundles = [request.out, training_path(request.out)]
            stack.enter_context(claimed(request.tensorboard, ANY_FOLDER, inputs=[*inputs, *bundles]))
        _train(request)


def _train(request: TrainRequest) -> None:
    span = (START_MINUTE, START_MINUTE + int(request.days * DAY_MINUTES))
    simulated = SimulatedHistory(Network(request.cells, seed=1000 + request.seed), span)
    watched = ParquetHistory(request.history) if request.history else None
    can_simulate = watched is None or watched.catalogue.digest == simulated.catalogue.digest
    source = _fault_source(request, can_simulate)
    if watched:
        check_history(watched)
    if request.episodes and watched:
        read_episodes(request.episodes)  # refused here, before the baselines are fitted
    if source == "synthetic":
        train_on_injected_faults(request, watched or simulated)
    else:
        train_on_simulated_faults(request, simulated, watched)


def _fault_source(request: TrainRequest, can_simulate: bool) -> str:
    """Return one of FAULTS. Raises HistoryError if it does not fit the rest of the request."""
    default = "procedural" if can_simulate and request.encoder != "shared" else "synthetic"
    source = request.faults or default
    if source == "synthetic" and request.episodes:
        raise HistoryError(
            f"--episodes {request.episodes}: labelled episodes are learned only beside simulated faults, and this"
            " training has none; leave --episodes out, and teach its classes as labels."
        )
    if source == "synthetic":
        return source
    if not can_simulate:
        raise HistoryError(
            f"{request.history}/catalogue.yaml: has other features or another period than the simulated network, so no"
            " fault in it can be simulated; leave --faults out, or give --faults synthetic."
        )
    if request.encoder == "shared":
        raise HistoryError("--encoder shared: is shipped and learns from no faults; leave --faults out.")
    return source
