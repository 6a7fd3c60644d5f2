"""A training that is killed, stops, or is told by a curve: what is kept, and what is refused."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detector.core.encoder import Encoder
from tests.builders import catalogue
from tests.trainer.left_alone import FEATURES, SCHEDULE, SPEC, STEPS, pictures, train
from trainer.data.cache import acquire, load_or_simulate
from trainer.metrics.one_shot import evaluate_one_shot
from trainer.training.checkpoints import CHECKPOINT, Checkpoints, TrainingState
from trainer.training.learner import Hyperparameters
from trainer.training.loop import StepMetrics, TrainingError, TrainingHooks, train_encoder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


class Killed(Exception):
    """As if the machine had gone."""


def until(step: int):
    def tell(moment: StepMetrics) -> None:
        if moment.step == step:
            raise Killed

    return tell


def begin(folder: Path, out: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.trainer.left_alone", str(folder), str(out)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_a_training_killed_and_given_again_ends_with_the_weights_it_would_have_ended_with(tmp_path: Path) -> None:
    undisturbed = begin(tmp_path / "undisturbed", tmp_path / "undisturbed.npz")
    killed = begin(tmp_path / "killed", tmp_path / "killed.npz")
    assert killed.stdout is not None
    next(line for line in killed.stdout if line.strip() == "23")
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed.npz").exists()

    told, _ = begin(tmp_path / "killed", tmp_path / "killed.npz").communicate()

    assert undisturbed.communicate() is not None
    steps = [int(line) for line in told.split()]
    assert steps[0] in (23, 24)
    assert steps[-1] == STEPS
    with np.load(tmp_path / "killed.npz") as resumed, np.load(tmp_path / "undisturbed.npz") as whole:
        assert set(resumed.files) == set(whole.files)
        for name in whole.files:
            np.testing.assert_array_equal(resumed[name], whole[name])


@pytest.mark.parametrize(
    ("loss", "options"), [("triplet", {"mining": "random"}), ("similarity", {}), ("supervised_contrastive", {})]
)
def test_every_state_a_loss_has_is_taken_up(loss: str, options: dict, tmp_path: Path) -> None:
    schedule = replace(SCHEDULE, steps=14, loss=loss, loss_options=options)
    whole = train(None, schedule=schedule)

    for step in (1, 9, 13):
        with pytest.raises(Killed):
            train(tmp_path, until(step), schedule)
    resumed = train(tmp_path, schedule=schedule)

    for name, value in whole.items():
        np.testing.assert_array_equal(resumed[name], value)


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"spec": replace(SPEC, hidden=16)}, "spec"), ({"schedule": replace(SCHEDULE, rate=1e-3)}, "schedule")],
)
def test_a_checkpoint_of_another_training_is_refused(changed: dict, named: str, tmp_path: Path) -> None:
    identity = {"spec": SPEC, "schedule": SCHEDULE, "set of examples": "a", "exam": "b"}
    Checkpoints(tmp_path, identity, 0).write(TrainingState(3), {"weights/out": np.ones(2)})

    with pytest.raises(
        TrainingError,
        match=rf"^{tmp_path}/{CHECKPOINT}: is of a training with another {named}\. Give that .*begin again\.$",
    ):
        Checkpoints(tmp_path, {**identity, **changed}, 0).read()


def test_a_checkpoint_of_other_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, until(3))
    other = replace(pictures(), effect=np.full(280, 4, np.float32))

    with pytest.raises(TrainingError, match=r"is of a training with another set of examples and exam\. "):
        train_encoder(SPEC, other, 0, catalogue(8), SCHEDULE, TrainingHooks(checkpoint_folder=tmp_path))


@pytest.mark.parametrize("place", [0.02, 0.5, 0.98])
def test_a_damaged_checkpoint_is_refused(place: float, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, {"spec": SPEC}, 0)
    checkpoints.write(TrainingState(3), {"weights/out": np.random.default_rng(0).normal(size=1000)})
    path = tmp_path / CHECKPOINT
    whole = path.read_bytes()
    at = int(place * len(whole))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])

    with pytest.raises(TrainingError, match=r"checkpoint\.npz: is damaged \(checksum\)\. Remove it, and the training"):
        checkpoints.read()


def test_half_a_checkpoint_is_refused_and_a_draft_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, {"spec": SPEC}, 0)
    (tmp_path / f".{CHECKPOINT}.17").write_bytes(b"PK")

    assert checkpoints.read() is None
    checkpoints.write(TrainingState(3, loss=0.1), {"weights/out": np.ones(1000)})
    course, arrays = checkpoints.read() or (TrainingState(), {})
    assert (course, list(arrays)) == (TrainingState(3, loss=0.1), ["weights/out"])

    (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:700])
    with pytest.raises(TrainingError, match=r"is damaged"):
        checkpoints.read()


def test_a_checkpoint_is_due_when_its_minutes_are_over(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path, {}, 0).is_due()
    assert not Checkpoints(tmp_path, {}, 60).is_due()


@pytest.fixture(scope="module")
def unlearned() -> tuple[dict[str, np.ndarray], list[StepMetrics]]:
    """Weights and steps of a training on classes that are none: whatever an untrained network sees, it forgets."""
    windows = pictures()
    nonsense = replace(windows, label=np.random.default_rng(0).permutation(windows.label))
    schedule = replace(SCHEDULE, steps=60, warm_up=0, examinations=12, patience=4)
    moments: list[StepMetrics] = []
    watch = TrainingHooks(on_step=moments.append, validation=pictures(12, 8, seed=1))
    return train_encoder(SPEC, nonsense, 0, catalogue(FEATURES), schedule, watch), moments


def test_the_weights_are_those_that_did_best_in_an_examination(
    unlearned: tuple[dict[str, np.ndarray], list[StepMetrics]],
) -> None:
    weights, moments = unlearned
    figures = [moment.one_shot for moment in moments if moment.one_shot is not None]

    again = evaluate_one_shot(
        Encoder(SPEC, weights), pictures(12, 8, seed=1), np.random.default_rng([SCHEDULE.seed, 5])
    )

    assert figures[0].share > figures[-1].share + 0.03
    assert again.share == pytest.approx(max(figure.share for figure in figures), abs=0.005)
    assert again.half_width == pytest.approx(figures[0].half_width, abs=0.01)


def test_a_training_that_only_forgets_ends_when_its_patience_is_over(
    unlearned: tuple[dict[str, np.ndarray], list[StepMetrics]],
) -> None:
    _, moments = unlearned

    examined = [moment.step for moment in moments if moment.one_shot is not None]
    assert examined == [5, 10, 15, 20, 25]
    assert moments[-1].step == 25


def test_a_collapse_is_refused_at_the_step_where_it_has_lasted() -> None:
    steps: list[int] = []

    with pytest.raises(
        TrainingError,
        match=r"^the encoder collapsed at step (\d+): its spread per dimension is \S+, at least 0\.02 is needed\. ",
    ) as told:
        train(None, lambda moment: steps.append(moment.step), replace(SCHEDULE, steps=2000, rate=1e4), exam=False)

    assert f"at step {steps[-1] + 1}: " in str(told.value)
    assert steps[-1] < 400


def test_the_curves_can_be_read_back_without_tensorboard(tmp_path: Path) -> None:
    import tensorflow as tf

    from trainer.training.tensorboard import Curves

    curves = Curves(tmp_path)
    train(None, curves.record, replace(SCHEDULE, steps=20, examinations=2))
    curves.close()

    told: dict[str, dict[int, float]] = {}
    for path in tmp_path.iterdir():
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                told.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    assert set(told) == {"loss", "spread", "rate", "one_shot", "one_shot_half_interval"}
    assert all(list(points) == [10, 20] for points in told.values())
    assert told["rate"][10] > told["rate"][20] > 0
    assert 0 < told["one_shot"][20] <= 1


def test_examples_are_simulated_once_and_read_back_whole(tmp_path: Path) -> None:
    made: list[int] = []

    def make():
        made.append(1)
        return pictures(3)

    first, second = load_or_simulate(tmp_path, "home", make), load_or_simulate(tmp_path, "home", make)

    assert made == [1]
    for name in ("windows", "twins", "label", "effect", "network"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_damaged_examples_are_refused(tmp_path: Path) -> None:
    load_or_simulate(tmp_path, "home", lambda: pictures(3))
    path = tmp_path / "home" / "twins.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")

    with pytest.raises(
        TrainingError, match=rf"^{tmp_path}/home: is damaged \(checksum\)\. Remove it, and its examples"
    ):
        load_or_simulate(tmp_path, "home", lambda: pictures(3))


def test_another_trainings_folder_is_refused_with_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "bundle.training"

    assert not acquire(folder, {"classes": 30, "seed": 1})
    assert not acquire(folder, {"classes": 40, "seed": 1})
    load_or_simulate(folder, "home", lambda: pictures(3))
    assert acquire(folder, {"classes": 40, "seed": 1})
    with pytest.raises(
        TrainingError,
        match=rf"^{folder}: holds an unfinished training with classes 40 \(here 50\)\. Give its .* begin again\.$",
    ):
        acquire(folder, {"classes": 50, "seed": 1})
    (folder / "origin.json").write_text(json.dumps({"seed": 1})[:-3])
    with pytest.raises(TrainingError, match=r"origin\.json: cannot be read\. Remove .* to begin again\.$"):
        acquire(folder, {"classes": 40, "seed": 1})


def test_more_devices_than_there_are_and_uneven_shares_are_refused() -> None:
    with pytest.raises(
        TrainingError, match=r"^--devices is 64, and TensorFlow has \d+ \(\wpu\)\. Ask for at most that"
    ):
        train(None, schedule=Hyperparameters(steps=3, devices=64))


def test_two_devices_learn_what_one_learns() -> None:
    command = [sys.executable, "-m", "tests.trainer.two_devices"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])

    assert told["copies"] == 2
    assert told["copies_differ"] == 0
    assert told["gradient_off"] < 1e-5
    assert told["losses"][-1] < 0.8 * told["losses"][0]
    np.testing.assert_allclose(told["losses"], told["losses_alone"], rtol=1e-3)
    assert (
        told["refused"]
        == "a batch of 192 windows cannot be split into 5 equal shares. Train on 1 or 2 or 3 or 4 devices."
    )
