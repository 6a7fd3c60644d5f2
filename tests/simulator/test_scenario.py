"""Scenario files: allowed content, and the errors for everything else."""

from datetime import date

import numpy as np
import pytest

from tests.simulator.builders import FIRST_MONDAY
from trainer.simulator import FAULTS, prepare_scenario, read_scenario, write_scenario
from trainer.simulator.delivery import LIVE, PERFECT
from trainer.simulator.faults.footprints import struck_cells
from trainer.simulator.scenario import Fault, Layout, Scenario, ScenarioError, override_scenario, shipped_scenarios

TOWN = "network: {cells: 60, seed: 3}\nstart: 2026-01-05\ndays: 2\n"
SOON = "class: cell_outage, cell: A00004-2, at: '10:00'"


@pytest.fixture
def written(tmp_path):
    """Function that writes a scenario file with a text and returns its path."""

    def write(text):
        (tmp_path / "mine.yaml").write_text(text)
        return str(tmp_path / "mine.yaml")

    return write


def refusal(path):
    """Return the one-sentence error of a scenario."""
    with pytest.raises(ScenarioError) as refused:
        prepare_scenario(read_scenario(path), path)
    text = str(refused.value)
    assert text.startswith(f"{path}: ")
    assert text[-1] in ".?"
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


# Shipped scenarios


@pytest.mark.parametrize("name", shipped_scenarios())
def test_it_can_be_played_and_says_what_it_is_about(name):
    scenario = read_scenario(name)
    life = prepare_scenario(scenario, name).timeline
    first, last = prepare_scenario(scenario, name).span
    assert scenario.about.endswith(".")
    assert last - first == scenario.days * 1440
    cell, minute = np.arange(0, life.network.cells, 7), np.full(len(range(0, life.network.cells, 7)), first + 700)
    assert life.reported_values(cell, minute).shape == (len(cell), 130)
    assert all(e.effect_end > first and e.begin < last for e in life.episodes)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_it_reads_the_same_after_it_was_written(name, written):
    scenario = read_scenario(name)
    assert read_scenario(written(write_scenario(scenario))) == scenario


def test_every_class_is_met_once_in_the_scenario_of_that_name():
    life = prepare_scenario(read_scenario("one-fault-each"), "one-fault-each").timeline
    assert sorted(e.fault.name for e in life.episodes) == sorted(FAULTS)


def test_nothing_happens_in_the_quiet_week():
    assert prepare_scenario(read_scenario("quiet-week"), "quiet-week").timeline.episodes == ()


# Content of a scenario


def test_a_scenario_of_no_words_is_a_quiet_week_of_a_small_town(written):
    empty = read_scenario(written("{}"))
    ready = prepare_scenario(empty, "empty")
    assert empty == Scenario()
    assert ready.timeline.network.cells == 300
    assert ready.timeline.episodes == ()
    assert ready.span == (ready.span[0], ready.span[0] + 7 * 1440)
    assert ready.delivery == PERFECT
    assert prepare_scenario(read_scenario(written("delivery: live")), "late").delivery == LIVE


def test_a_fault_begins_when_and_where_it_says_and_lasts_as_long(written):
    text = TOWN + "faults: [{class: dns_failure, cell: A00004-2, day: 2, at: '18:30', minutes: 45, severity: 0.7}]"
    ready = prepare_scenario(read_scenario(written(text)), "mine")
    (e,) = ready.timeline.episodes
    assert ready.span[0] * 60 == int(np.datetime64("2026-01-05T00:00", "s").astype(int))
    assert (e.cell, e.fault.name, e.place_kind, e.severity) == (13, "dns_failure", "cell", 0.7)
    assert (e.begin, e.end) == (ready.span[0] + 1440 + 18 * 60 + 30, ready.span[0] + 1440 + 19 * 60 + 15)


def test_a_fault_without_minutes_lasts_as_long_as_its_class_usually_does(written):
    (e,) = prepare_scenario(read_scenario(written(TOWN + f"faults: [{{{SOON}}}]")), "mine").timeline.episodes
    assert e.end - e.begin == 25
    assert e.severity == 0.5


def test_everything_that_can_be_said_is_the_same_after_it_was_written(written):
    scenario = Scenario(
        about="All of it: 'quotes', {braces} and a # sign.",
        network=Layout(cells=90, seed=4, operator_name="R7"),
        start=date(2027, 2, 28),
        days=1.5,
        rates={"cell_outage": 2.5, "maintenance": 0.0},
        holidays=[1, 2],
        faults=[
            Fault("cell_outage", "R700001-2", "18:00", day=2, minutes=30, severity=0.25, place_kind="site", seed=9),
            Fault("dns_failure", "x", "09:05"),
        ],
        delivery="live",
    )
    assert read_scenario(written(write_scenario(scenario))) == scenario


def test_times_of_a_scenario_are_days_of_its_own(written):
    faults = f"faults: [{{{SOON}, seed: 5}}]"
    early, late = (
        prepare_scenario(read_scenario(written(text + faults)), "mine") for text in (TOWN, TOWN.replace("2026", "2027"))
    )
    (early_episode,), (late_episode,) = early.timeline.episodes, late.timeline.episodes
    assert early_episode.begin - early.span[0] == late_episode.begin - late.span[0]
    assert early_episode.seed == late_episode.seed


def test_a_holiday_is_the_whole_networks_and_lasts_its_day(written):
    ready = prepare_scenario(read_scenario(written(TOWN + "holidays: [2]")), "mine")
    (e,) = ready.timeline.episodes
    assert (e.fault.name, e.begin, e.end) == ("holiday", ready.span[0] + 1440, ready.span[0] + 2880)
    assert len(struck_cells(ready.timeline.network, e)) == 60


def test_rates_draw_what_they_name_and_what_began_earlier_may_still_last(written):
    week = "network: {cells: 600}\nstart: 2026-01-05\ndays: 1\n"
    ready = prepare_scenario(read_scenario(written(week + "rates: {rx_branch_loss: 200, cell_outage: 3}")), "mine")
    names = {e.fault.name for e in ready.timeline.episodes}
    assert names == {"rx_branch_loss", "cell_outage"}
    assert any(e.begin < ready.span[0] < e.effect_end for e in ready.timeline.episodes)
    demo = prepare_scenario(read_scenario(written(week + "rates: demo")), "mine").timeline.episodes
    live = prepare_scenario(read_scenario(written(week + "rates: live")), "mine").timeline.episodes
    faults = [[e for e in drawn if e.fault.kind == "fault"] for drawn in (live, demo)]
    assert 10 * len(faults[0]) < len(faults[1]) < 40 * len(faults[0])
    assert len(demo) - len(faults[1]) == len(live) - len(faults[0])


def test_the_same_scenario_twice_gives_the_same_records_and_another_seed_others(written):
    path = written(TOWN + f"rates: demo\nfaults: [{{{SOON}}}]")
    cell, minute = np.tile(np.arange(60), 5), np.repeat(FIRST_MONDAY + np.arange(5), 60)

    def values(seed):
        ready = prepare_scenario(override_scenario(read_scenario(path), None, None, seed), "mine")
        return ready.timeline.reported_values(
            cell, ready.span[0] + 600 + minute - FIRST_MONDAY
        ), ready.timeline.episodes

    (once, episodes), (again, same), (late_episode, others) = values(None), values(None), values(4)
    np.testing.assert_array_equal(once, again)
    assert episodes == same
    assert (np.nan_to_num(once) != np.nan_to_num(late_episode)).any(axis=1).all()
    assert not set(episodes) & set(others)


# Overrides of the command line


def test_all_minutes_of_a_day_are_looked_at_in_one_life_that_is_the_wholes():
    ready = prepare_scenario(read_scenario("operator-b"), "operator-b")  # smooths: its records look back over midnight
    day, cell = ready.span[0] + 1440, np.arange(40)

    life = ready.timeline_around(day + 5, day + 6)

    assert life is ready.timeline_around(day, day + 1440)
    assert life is not ready.timeline_around(day, day + 1441)
    for minute in (day, day + 1439):
        minutes = np.full(len(cell), minute)
        np.testing.assert_array_equal(
            life.reported_values(cell, minutes), ready.timeline.reported_values(cell, minutes)
        )


def test_the_command_line_changes_what_it_names_and_nothing_else():
    demo = read_scenario("demo")
    assert override_scenario(demo, None, None, None) == demo
    other = override_scenario(demo, 600, 0.5, 8)
    assert (other.network.cells, other.days, other.network.seed) == (600, 0.5, 8)
    assert (other.faults, other.start, other.network.operator_name) == (demo.faults, demo.start, "A")
    assert override_scenario(demo, None, None, 0).network.seed == 0
    assert demo == read_scenario("demo")


def test_a_scenario_can_be_moved_to_another_day():
    moved = override_scenario(read_scenario("demo"), None, None, None, date(2026, 11, 22))
    assert moved.start == date(2026, 11, 22)
    assert prepare_scenario(moved, "demo").timeline.episodes[0].severity == 0.9


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((0, None, None), "the command line: Expected `int` >= 1 - at `$.network.cells`."),
        ((300_001, None, None), "the command line: Expected `int` <= 300000 - at `$.network.cells`."),
        ((None, 0, None), "the command line: Expected `float` > 0.0 - at `$.days`."),
        ((None, None, -1), "the command line: Expected `int` >= 0 - at `$.network.seed`."),
    ],
)
def test_the_command_line_is_refused_like_the_file(values, sentence):
    with pytest.raises(ScenarioError) as refused:
        override_scenario(read_scenario("demo"), *values)
    assert str(refused.value) == sentence


# Errors


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fault: []", "line 1, column 1: `fault` is no key of the document (did you mean `faults`?)."),
        ("network: {cels: 3}", "line 1, column 11: `cels` is no key of `network` (did you mean `cells`?)."),
        (
            "network: {cells: 0}",
            "line 1, column 18: `network.cells` is 0; allowed is a whole number from 1 to 300,000.",
        ),
        (
            "network: {seed: -1}",
            "line 1, column 17: `network.seed` is -1; allowed is a whole number from 0 below 2,147,483,648.",
        ),
        ("days: 0", "line 1, column 7: `days` is 0; allowed is a number above 0 and up to 3,660."),
        (
            "days: .nan",
            "line 1, column 7: `days` is .nan, which is no finite number; write a finite one, or put text in quotes.",
        ),
        (
            "rates: often",
            "line 1, column 8: `rates` is the text 'often'; allowed is `demo` or `live` or `none` or a mapping of"
            " keys to values.",
        ),
        (
            "rates: {cell_outage: -1}",
            "line 1, column 22: `rates.cell_outage` is -1; allowed is a number from 0 on.",
        ),
        ("delivery: slow", "line 1, column 11: `delivery` is the text 'slow'; allowed is `live` or `perfect`."),
        ("holidays: [0]", "line 1, column 12: `holidays[0]` is 0; allowed is a whole number from 1 on."),
        ("start: tomorrow", "line 1, column 8: `start` is the text 'tomorrow'; allowed is a date such as 2026-01-05."),
        (
            "faults: [{class: cell_outage, cell: A00001-1, at: 18:00}]",
            "line 1, column 51: `faults[0].at` is 18:00, which is a number of base 60 to one YAML reader and text to"
            " another; write a decimal number, or put text in quotes.",
        ),
        (
            f"faults: [{{{SOON}, severity: 0}}]",
            "line 1, column 70: `faults[0].severity` is 0; allowed is a number above 0 and up to 1.",
        ),
        (
            f"faults: [{{{SOON}, place: city}}]",
            "line 1, column 67: `faults[0].place` is the text 'city'; allowed is `cell` or `chain` or `network` or"
            " `region` or `site`.",
        ),
        (
            f"faults: [{{{SOON}, end: '11:00'}}]",
            "line 1, column 60: `end` is no key of `faults[0]`; known are at, cell, class, day, minutes, place, seed,"
            " severity.",
        ),
        (
            "faults: [{cell: A00001-1, at: '18:00'}]",
            "line 1, column 10: `faults[0].class` is missing; write `class: …`.",
        ),
        ("", "line 1, column 1: the document is empty (null); allowed is a mapping of keys to values."),
        (
            "just words",
            "line 1, column 1: the document is the text 'just words'; allowed is a mapping of keys to values.",
        ),
    ],
)
def test_a_key_or_value_that_cannot_be_is_refused_by_its_path(text, sentence, written):
    assert refusal(written(text)) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("days: [", "line 1, column 8: is not YAML ("),
        ("start: 2026-02-30", "line 1, column 8: `start` is 2026-02-30, which is no day of the calendar;"),
        ("a: b: c", "line 1, column 5: a second key begins here;"),
        ("\tdays: 1", "line 1, column 1: a tab stands here; YAML takes spaces."),
        ("!!python/name:os.system {}", "line 1, column 1: the tag `!!python/name:os.system` is not allowed;"),
    ],
)
def test_what_is_not_yaml_is_refused(text, sentence, written):
    assert refusal(written(text)).startswith(sentence)


def test_a_file_of_other_bytes_is_refused(tmp_path):
    (tmp_path / "image.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    assert (
        refusal(str(tmp_path / "image.yaml")) == "line 1, column 1: the byte 0xff is not UTF-8; save the file as UTF-8."
    )


def test_a_missing_file_is_refused_with_the_names_that_there_are(tmp_path):
    sentence = refusal(str(tmp_path / "gone.yaml"))
    assert (
        sentence
        == f"cannot be read (No such file or directory); give a file, or one of {', '.join(shipped_scenarios())}."
    )
    assert refusal(str(tmp_path)) == "is a folder; give a file."


TWO_OF_A_SITE = TOWN + (
    f"faults: [{{{SOON}, minutes: 60, place: site}}, {{class: cell_outage, cell: A00004-3, at: '10:59', minutes: 60}}]"
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("faults: [{class: cell_outge, cell: A00004-2, at: '10:00'}]",
         "`$.faults[0]`: class 'cell_outge' is unknown; did you mean cell_outage?"),
        ("faults: [{class: cell_outage, cell: A00020-1, at: '10:00'}]",
         "`$.faults[0]`: cell 'A00020-1' is unknown; the network has A00000-1 to A00019-3."),
        (f"faults: [{{{SOON}, minutes: 0}}]",
         "`$.faults[0]`: `minutes` is 0; give 1 or more."),
        (f"faults: [{{{SOON}, minutes: -5}}]",
         "`$.faults[0]`: `minutes` is -5; give 1 or more."),
        (f"faults: [{{{SOON}, day: 3}}]",
         "`$.faults[0]`: day 3 10:00 is after the end of the scenario; give an earlier time, or more `days` than 2."),
        (f"faults: [{{{SOON}, minutes: 60}}, {{{SOON}, minutes: 5}}]",
         "`$.faults[1]`: A00004-2 already has cell_outage at that time, from `$.faults[0]`; "
         "drop one of the two, or move it."),
        (TWO_OF_A_SITE.removeprefix(TOWN),
         "`$.faults[1]`: A00004-3 already has cell_outage at that time, from `$.faults[0]`; "
         "drop one of the two, or move it."),
        ("network: {operator: C}",
         "`$.network.operator` is 'C'; allowed are A, B, or R with a number, such as R7."),
        ("network: {operator: R}",
         "`$.network.operator` is 'R'; allowed are A, B, or R with a number, such as R7."),
        ("rates: {cell_outages: 1}",
         "`$.rates` has 'cell_outages', a class without a rate; did you mean cell_outage?"),
        ("holidays: [8]", "`$.holidays[0]`: day 8 is after the end of the scenario; drop it."),
        ("holidays: [1, 1]", "`$.holidays[1]`: day 1 is named twice; drop it."),
        ("start: 1960-01-01", "`$.start` is 1960-01-01; allowed are dates of the years 1971 to 2999."),
    ],
)  # fmt: skip
def test_what_cannot_be_played_is_refused_with_its_place_and_the_remedy(text, sentence, written):
    town = "" if text.startswith(("network", "start", "holidays: [8]")) else TOWN
    assert refusal(written(town + text)) == sentence


def test_a_class_unlike_any_is_refused_with_all_that_there_are(written):
    sentence = refusal(written(TOWN + "rates: {holiday: 1}"))
    assert sentence.startswith("`$.rates` has 'holiday', a class without a rate; known are cell_outage, ")
    assert sentence.endswith("app_flash_crowd.")


def test_a_cell_of_another_kind_cannot_lose_its_time(written):
    network = prepare_scenario(read_scenario(written(TOWN)), "mine").timeline.network
    fdd, tdd = (network.names[np.flatnonzero(network.statics.tdd == kind)[0]] for kind in (0, 1))
    text = TOWN + "faults: [{class: sync_loss_tdd, cell: %s, at: '10:00', place: site}]"
    assert refusal(written(text % fdd)).startswith(
        f"`$.faults[0]`: sync_loss_tdd needs a TDD cell, and {fdd} is not one; take {tdd}, "
    )
    prepare_scenario(read_scenario(written(text % tdd)), "mine")


def test_what_comes_after_another_or_is_of_another_class_is_no_overlap(written):
    after = "{class: cell_outage, cell: A00004-2, at: '10:30'}"
    beside = "{class: cell_outage, cell: A00005-2, at: '10:00'}"
    other_class = "{class: dns_failure, cell: A00004-2, at: '10:00', place: network}"
    text = TOWN + f"faults: [{{{SOON}, minutes: 30}}, {after}, {beside}, {other_class}]"
    assert len(prepare_scenario(read_scenario(written(text)), "mine").timeline.episodes) == 4
