"""The demo's plot, and a narrator who does not call a story true that was not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from detector.config.schema import Config
from detector.kafka.producer import RecordProducer
from tests.eventually import eventually
from tests.kafka.broker import free_ports
from trainer.demo.broker import EmbeddedBroker
from trainer.demo.harness import TOPICS, daemon, write_configuration
from trainer.demo.reporter import MOST_FALSE_ALARMS, ReportedAlarm, Reporter
from trainer.demo.story import CELLS, CROWD, EVENING, MINUTES, TAUGHT, UNTAUGHT, Story, build_story
from trainer.pretrained.shipped import SHIPPED
from trainer.simulator import FAULTS


@pytest.fixture(scope="module")
def plot() -> Story:
    return build_story()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    with EmbeddedBroker(TOPICS) as broker:
        yield write_configuration(tmp_path_factory.mktemp("demo"), broker.bootstrap, 0)


@pytest.fixture
def narrator(plot: Story, config: Config) -> Iterator[Reporter]:
    made = Reporter(plot, config.kafka)
    yield made
    made.close()


def test_the_plot_is_the_same_every_time(plot: Story) -> None:
    again = build_story()

    assert again.evening.episodes == plot.evening.episodes
    assert again.past.episodes == plot.past.episodes


def test_every_episode_of_the_plot_has_a_cell_to_itself(plot: Story) -> None:
    episodes = (*plot.past.episodes, *plot.evening.episodes)

    cells = [episode.cell for episode in episodes]
    assert len(episodes) == 7
    assert len(set(cells)) == len(cells)
    assert all(0 <= cell < CELLS for cell in cells)


def test_what_befalls_the_evening_begins_when_windows_are_full_and_is_over_before_it_ends(plot: Story) -> None:
    assert plot.evening.span == (EVENING, EVENING + MINUTES)
    for episode in plot.evening.episodes:
        assert EVENING + 60 <= episode.begin < episode.end <= EVENING + MINUTES - 60
    for episode in plot.past.episodes:
        assert plot.past.span[0] + 60 <= episode.begin < episode.end <= plot.past.span[1]


def test_the_taught_class_is_one_the_encoder_was_not_trained_on_and_the_crowd_is_no_fault(plot: Story) -> None:
    assert FAULTS[TAUGHT].held_out
    assert FAULTS[TAUGHT].kind == FAULTS[UNTAUGHT].kind == "fault"
    assert FAULTS[CROWD].kind != "fault"
    assert {episode.fault.name for episode in plot.same_fault} == {plot.example.fault.name} == {TAUGHT}
    assert plot.other_fault.fault.name == UNTAUGHT
    assert plot.match.fault.name == plot.last_match.fault.name == CROWD


def as_promised(plot: Story) -> list[ReportedAlarm]:
    """Every fault named ten minutes after it began, and cleared twenty after it was over."""
    told = []
    for episode, name in [*((one, TAUGHT) for one in plot.same_fault), (plot.other_fault, "unknown")]:
        cell = plot.network.names[episode.cell]
        told.append(ReportedAlarm("new", cell, name, episode.begin - EVENING + 10, "major"))
        told.append(ReportedAlarm("cleared", cell, name, episode.end - EVENING + 20, "cleared"))
    return told


def calm_cell(plot: Story, number: int) -> str:
    taken = {episode.cell for episode in plot.evening.episodes}
    return plot.network.names[[cell for cell in range(CELLS) if cell not in taken][number]]


def false_alarm(cell: str) -> list[ReportedAlarm]:
    return [
        ReportedAlarm("new", cell, "unknown", 100, "minor"),
        ReportedAlarm("cleared", cell, "unknown", 130, "cleared"),
    ]


def test_a_story_that_came_true_is_called_true(plot: Story, narrator: Reporter) -> None:
    narrator.alarms = as_promised(plot)

    assert [kept for kept, _ in narrator.check_promises()] == [True] * 5
    assert "named in 3 of 3 other cells, 10, 10, 10 minutes" in narrator.check_promises()[0][1]


def test_a_story_in_which_nothing_happened_is_not_called_true(narrator: Reporter) -> None:
    assert [kept for kept, _ in narrator.check_promises()] == [False, False, True, True, True]


def test_a_fault_that_was_not_named_breaks_the_first_promise(plot: Story, narrator: Reporter) -> None:
    missed = plot.network.names[plot.same_fault[1].cell]
    narrator.alarms = [told for told in as_promised(plot) if told.cell != missed]

    assert broken(narrator) == [0]
    assert "named in 2 of 3" in narrator.check_promises()[0][1]


def test_a_fault_named_before_it_began_breaks_the_first_promise(plot: Story, narrator: Reporter) -> None:
    lucky = plot.network.names[plot.same_fault[2].cell]
    narrator.alarms = [
        replace(told, minute=5) if (told.cell, told.change) == (lucky, "new") else told for told in as_promised(plot)
    ]

    assert broken(narrator) == [0]


@pytest.mark.parametrize("name", [TAUGHT, UNTAUGHT])
def test_a_fault_never_shown_that_got_a_name_breaks_the_second_promise(
    plot: Story, narrator: Reporter, name: str
) -> None:
    other = plot.network.names[plot.other_fault.cell]
    narrator.alarms = [replace(told, name=name) if told.cell == other else told for told in as_promised(plot)]

    assert broken(narrator) == [1]


def test_an_alarm_at_the_stadium_breaks_the_third_promise(plot: Story, narrator: Reporter) -> None:
    narrator.alarms = as_promised(plot) + false_alarm(plot.network.names[plot.match.cell])

    assert broken(narrator) == [2]


def test_an_alarm_left_open_breaks_the_fourth_promise(plot: Story, narrator: Reporter) -> None:
    narrator.alarms = as_promised(plot)[:-1]

    assert broken(narrator) == [3]


def test_an_alarm_raised_again_and_left_open_breaks_the_fourth_promise(plot: Story, narrator: Reporter) -> None:
    told = as_promised(plot)
    narrator.alarms = [*told, ReportedAlarm("new", told[-1].cell, "unknown", 280, "minor")]

    assert broken(narrator) == [3]


@pytest.mark.parametrize(("alarms", "verdict"), [(MOST_FALSE_ALARMS, []), (MOST_FALSE_ALARMS + 1, [4])])
def test_more_false_alarms_than_bad_luck_allows_break_the_fifth_promise(
    plot: Story, narrator: Reporter, alarms: int, verdict: list[int]
) -> None:
    narrator.alarms = as_promised(plot)
    for number in range(alarms):
        narrator.alarms += false_alarm(calm_cell(plot, number))

    assert broken(narrator) == verdict


def test_false_alarms_of_one_cell_count_each_time(plot: Story, narrator: Reporter) -> None:
    narrator.alarms = as_promised(plot) + (MOST_FALSE_ALARMS + 1) * false_alarm(calm_cell(plot, 0))

    assert broken(narrator) == [4]


def broken(narrator: Reporter) -> list[int]:
    return [place for place, (kept, _) in enumerate(narrator.check_promises()) if not kept]


def test_the_narrator_hears_what_any_consumer_hears(
    plot: Story, config: Config, narrator: Reporter, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {
        "notificationType": "notifyNewAlarm",
        "objectInstance": plot.network.names[plot.same_fault[0].cell],
        "specificProblem": TAUGHT,
        "perceivedSeverity": "MAJOR",
        "eventTime": "2026-01-12T17:21:00Z",
    }
    RecordProducer(config.kafka).publish(config.kafka.topics.alarms, [(b"id", msgspec.json.encode(body), 0)])

    while not narrator.alarms:  # pytest's time-out is the deadline
        narrator.listen(0.2)

    assert narrator.alarms == [ReportedAlarm("new", body["objectInstance"], TAUGHT, 81, "major")]
    assert "11 minutes after it began" in capsys.readouterr().out


def test_the_operators_file_of_the_demo_is_read(config: Config) -> None:
    assert Path(config.bundle).name == "bundle"
    assert set(TOPICS) == set(msgspec.to_builtins(config.kafka.topics).values())


@pytest.mark.slow
def test_the_daemon_of_the_demo_becomes_ready_on_the_demos_broker_and_takes_what_comes(tmp_path: Path) -> None:
    """A broker without a controller: whatever only one can answer is asked in vain, and must not be waited for."""
    (tmp_path / "bundle").symlink_to(SHIPPED)
    (port,) = free_ports(1)
    with EmbeddedBroker(TOPICS) as broker:
        config = write_configuration(tmp_path, broker.bootstrap, port)
        with daemon(tmp_path / "config.yaml", port) as running:
            running.wait_until_ready()
            assert running.metrics()["faultline_partitions_assigned"] == TOPICS["cells.minutes"]

            RecordProducer(config.kafka).publish(config.kafka.topics.minutes, [(b"cell", b"no record", 0)] * 3)

            refused = 'faultline_rejections_total{reason="malformed"}'
            eventually(lambda: running.metrics()[refused] == 3, "three were refused")
            assert running.metrics()["faultline_ready"] == 1
            assert running.stop() == 0
