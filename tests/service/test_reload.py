"""Another bundle while the daemon runs: taken up between two polls as a restart would take it, or refused."""

import os
import re
import shutil
import time

import pytest

from detector.bundle.checksums import FILES, SUMS
from detector.bundle.format import read_bundle
from detector.config.schema import Config, Runtime
from detector.errors import BundleError
from detector.service.serving import BundleReloader
from tests.eventually import eventually
from tests.service.broken import BREAKS, rename_a_feature
from tests.service.network import CELLS, MINUTES, label, told
from tests.service.stage import Daemon, Stage, serving

pytestmark = pytest.mark.broker

SOON = {"runtime": {"reload_seconds": 0.1}, "kafka": {"batch_records": 20}}

SWAP_SECONDS = 60
"""A bundle is compiled in three seconds on two idle cores."""

REFUSED = "faultline_bundle_refused_total"
CURRENT = "faultline_bundle_current"
FAULTS = 'faultline_exemplars{kind="fault"}'
AUDIBLE = re.compile(r"partition (\d): assigned, live from offset (\d+)")

LOOKS = 15


@pytest.fixture
def current(tmp_path, bundle):
    """A link to the bundle, as an operator would keep one."""
    link = tmp_path / "current"
    link.symlink_to(bundle)
    return link


def point(link, bundle):
    """Moves the link, atomically."""
    fresh = link.with_name("fresh")
    fresh.symlink_to(bundle)
    os.replace(fresh, link)


def serves(service, bundle):
    return f'digest="{read_bundle(bundle).digest}"' in service.get("/metrics").body


def split(records, offsets):
    """The records before these offsets of their partitions, and those from them on."""
    before, after, seen = [], [], dict.fromkeys(offsets, 0)
    for row in records:
        (before if seen[row[4]] < offsets[row[4]] else after).append(row)
        seen[row[4]] += 1
    return before, after


@pytest.fixture
def restarted(broker, topics, tmp_path, bundle, other_bundle):
    """What comes of a stop at these offsets, and a start with the other bundle."""
    made = []

    def run(offsets):
        folder = tmp_path / f"restarted-{len(made)}"
        folder.mkdir()
        stage = Stage(broker.bootstrap, f"{topics}restarted-{len(made)}-", folder, bundle).create_topics()
        made.append(stage)
        stage.teach(label("drop_storm", "drops"))
        before, after = split(told(0, MINUTES), offsets)
        stage.tell(before)
        with serving(stage.config()):
            stage.wait_taken(len(before))
        stage.tell(after)
        with serving(stage.config(bundle=str(other_bundle))):
            stage.wait_taken(len(before + after))
        return stage.alarms()

    yield run
    for stage in made:
        stage.close()


def test_a_bundle_that_takes_over_under_load_comes_to_what_a_restart_would(
    stage, current, other_bundle, restarted, undisturbed
):
    stage.teach(label("drop_storm", "drops"))
    records = told(0, MINUTES)
    taken = 0

    with serving(stage.config(bundle=str(current), **SOON)) as service:

        def tell(count):
            nonlocal taken
            stage.tell(records[taken : taken + count])
            taken = min(taken + count, len(records))
            stage.wait_taken(taken)

        # given three alarms open, when another bundle is put there and minutes keep coming
        tell(760)
        point(current, other_bundle)
        while not serves(service, other_bundle) and taken < 1200:
            tell(len(CELLS))
        eventually(lambda: serves(service, other_bundle), "the other bundle serves", SWAP_SECONDS)
        tell(len(records))
        assert service.log.above_info() == []
        assert service.metrics()[CURRENT] == 1
        assert service.metrics()[FAULTS] == 1
        lines = service.log.lines

    # then what comes out is what a restart with it would have said from there on
    begins = next(at for at, line in enumerate(lines) if "takes over from" in line)
    found = AUDIBLE.findall("\n".join(lines[begins:]))
    offsets = {int(partition): int(offset) for partition, offset in found}
    assert len(offsets) == len(found) == 2
    assert sum(offsets.values()) >= 760
    assert stage.alarms() == restarted(offsets)
    assert stage.alarms() != undisturbed.alarms


def test_a_kill_right_after_a_bundle_took_over_changes_nothing(stage, current, other_bundle, restarted):
    """With a number of threads of its own, which TensorFlow takes once in a process."""
    stage.teach(label("drop_storm", "drops"))
    before, after = told(0, 95), told(95, MINUTES)
    config = stage.config(bundle=str(current), **{**SOON, "runtime": {"reload_seconds": 0.1, "threads": 1}})
    stage.tell(before)
    with Daemon(config) as daemon:
        stage.wait_taken(len(before))
        offsets = {number: found.offset for number, found in stage.committed().items()}
        point(current, other_bundle)
        eventually(lambda: "takes over from" in daemon.log, f"it takes over; it says:\n{daemon.log}", SWAP_SECONDS)
        daemon.kill()
        assert "Traceback" not in daemon.log
    stage.tell(after)
    with serving(stage.config(bundle=str(current))):
        stage.wait_taken(len(before + after))
    assert stage.alarms() == restarted(offsets)


def test_whatever_is_broken_is_refused_with_one_line_while_the_old_one_serves(
    stage, current, bundle, other_bundle, tmp_path
):
    with serving(stage.config(bundle=str(current), **SOON)) as service:
        service.wait_metric("faultline_ready", 1)
        breaks = {**BREAKS, "other features": (rename_a_feature, "catalogue")}
        for number, (name, (breaking, reason)) in enumerate(breaks.items(), start=1):
            # given a good bundle that something happened to,
            broken = shutil.copytree(other_bundle, tmp_path / f"broken-{number}" / "bundle")
            breaking(broken)
            counter = f'{REFUSED}{{reason="{reason}"}}'
            before = service.metrics()[counter]

            # when it is put there,
            point(current, broken)
            service.wait_metric(counter, before + 1, SWAP_SECONDS)

            # then one line says so, and the old one judges
            stage.tell(told(number, number + 1))
            stage.wait_taken(len(told(1, number + 1)))
            assert service.metrics()[counter] == before + 1, name
            assert service.metrics()[CURRENT] == 0, name
            assert len(service.log.above_info()) == number, name
            line = service.log.above_info()[-1]
            assert line.startswith(f"ERROR bundle refused, {read_bundle(bundle).digest} still serves: {current}"), name
            assert serves(service, bundle)
        assert sum(v for key, v in service.metrics().items() if key.startswith(REFUSED + "{")) == len(breaks)

        # and when the old one is put back, or a good one comes, nothing is left of it
        point(current, bundle)
        service.wait_metric(CURRENT, 1)
        point(current, other_bundle)
        eventually(lambda: serves(service, other_bundle), "the other bundle serves", SWAP_SECONDS)
        assert len(service.log.above_info()) == len(breaks)


def test_what_was_refused_is_looked_at_but_not_read_again(current, bundle, other_bundle, tmp_path):
    broken = shutil.copytree(other_bundle, tmp_path / "broken" / "bundle")
    BREAKS["a file missing"][0](broken)
    serving_one = read_bundle(bundle)
    runtime = Runtime(reload_seconds=0.1)
    succession = BundleReloader(Config(bundle=str(current), runtime=runtime), lambda bundle, encode: None)
    point(current, broken)
    refusals = []
    deadline = time.monotonic() + LOOKS * runtime.reload_seconds
    while time.monotonic() < deadline:
        try:
            assert succession.next(serving_one) is None
        except BundleError as refused:
            refusals.append(refused.reason)
    succession.close()
    assert refusals == ["files"]


@pytest.mark.parametrize("name", BREAKS)
def test_a_check_refuses_the_same_before_a_start(name, stage, other_bundle, tmp_path, refusal):
    broken = shutil.copytree(other_bundle, tmp_path / "broken" / "bundle")
    BREAKS[name][0](broken)
    assert refusal("check", "--offline", "--config", stage.config(bundle=str(broken))).startswith(str(broken))


def test_a_bundle_copied_over_the_serving_one_file_by_file_takes_over_whole(stage, bundle, other_bundle, tmp_path):
    here = shutil.copytree(bundle, tmp_path / "here")
    with serving(stage.config(bundle=str(here), **SOON)) as service:
        for name in (*FILES, SUMS):
            shutil.copyfile(other_bundle / name, here / name)
            stage.tell(told(5, 6))
        eventually(lambda: serves(service, other_bundle), "the other bundle serves", SWAP_SECONDS)


def test_of_two_bundles_that_come_at_once_the_later_serves(stage, current, bundle, other_bundle):
    with serving(stage.config(bundle=str(current), **SOON)) as service:
        for _ in range(20):
            point(current, other_bundle)
            point(current, bundle)
        point(current, other_bundle)
        eventually(lambda: serves(service, other_bundle), "the other bundle serves", SWAP_SECONDS)
        assert service.log.above_info() == []


def test_labels_that_come_and_go_meanwhile_count_for_the_new_bundle(stage, current, other_bundle):
    stage.teach(label("drop_storm", "drops"))
    with serving(stage.config(bundle=str(current), **SOON)) as service:
        service.wait_metric(FAULTS, 1)
        point(current, other_bundle)
        for _ in range(10):
            stage.teach(label("power_loss", "power"))
            stage.put_label(b"power_loss-1", None)
        stage.teach(label("power_loss", "power"))
        stage.put_label(b"drop_storm-1", None)
        stage.teach(label("delays", "delay"))
        eventually(lambda: serves(service, other_bundle), "the other bundle serves", SWAP_SECONDS)
        service.wait_metric(FAULTS, 2)
        stage.put_label(b"delays-1", None)
        service.wait_metric(FAULTS, 1)
