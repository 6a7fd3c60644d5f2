"""One night at a terminal: something unknown is named, met elsewhere, wrongly met once, and a bad lesson is held back.

`pytest -s` shows the session as it was typed and answered.
"""

from itertools import pairwise

import msgspec
import pytest

from detector.__main__ import main
from detector.timestamps import iso_time
from tests.service.network import CELLS, STRANGE, T0, Trouble, told
from tests.service.stage import serving

pytestmark = pytest.mark.broker

ELSEWHERE, WORKS, AGAIN, LATER = "cell-5", "cell-4", "cell-0", "cell-6"


def works(cell: str, begin: int) -> tuple[Trouble, ...]:
    """A neighbour is switched off, as was planned: users come by the hundred, and more power is needed."""
    return Trouble(cell, "users", begin, begin + 40, far=7.0), Trouble(cell, "power", begin, begin + 40, far=2.0)


MILD = tuple(Trouble(cell, "delay", 400 + 10 * k, 430 + 10 * k, far=1.0) for k, cell in enumerate(CELLS))
"""What every cell does at times, a little."""

TROUBLES = (
    Trouble(STRANGE, "power", 70, 100),
    Trouble(ELSEWHERE, "power", 140, 170),
    *works(WORKS, 210),
    *works(AGAIN, 300),
    Trouble(LATER, "power", 300, 330),
    *MILD,
    Trouble("cell-3", "delay", 540, 570, far=1.5),
)
ACTS = (0, 120, 200, 270, 520, 590)

WITHHELD = 'faultline_alarms_withheld_total{{reason="{}"}}'


@pytest.fixture
def typed(stage, capfd):
    """Types a line at the terminal, and gives the exit code and the answer."""
    config = stage.folder / "config.yaml"

    def type_in(*words: str) -> tuple[int, str]:
        capfd.readouterr()
        code = main([*words, "--config", str(config)])
        answer = capfd.readouterr().out
        with capfd.disabled():
            line = " ".join(f'"{word}"' if " " in word else word for word in words)
            print(f"\n$ faultline {line}\n{answer.rstrip()}" + (f"\n[exit code {code}]" if code else ""))
        assert all(len(row) <= 100 for row in answer.splitlines())
        return code, answer

    return type_in


def test_a_night_in_which_the_unknown_is_named_rejected_and_held(stage, typed, capfd):
    acts = [told(begin, end, TROUBLES) for begin, end in pairwise(ACTS)]

    def act(number: int) -> None:
        stage.tell(acts[number])
        stage.wait_taken(sum(map(len, acts[: number + 1])))

    def alarms(cell: str) -> list[dict]:
        said = [msgspec.json.decode(body) for body in stage.alarms().get(cell, [])]
        with capfd.disabled():
            print(f"\n# cells.alarms, {cell}:")
            for one in said:
                change = one["notificationType"].removeprefix("notify").removesuffix("Alarm").lower()
                print(f"#   {one['eventTime'][11:16]}  {change:<8} {one['specificProblem']:<14} {one['alarmId'][:8]}")
        return said

    with serving(stage.config()) as service:
        # something unknown appears, and is named
        act(0)
        assert alarms(STRANGE)[0]["specificProblem"] == "unknown"
        assert typed("unknowns")[0] == 0
        assert typed("unknowns", "--teach", "1", "--class", "power_loss", "--severity", "major", "--by", "ann")[0] == 0
        service.wait_metric('faultline_exemplars{kind="fault"}', 1, 5)

        # it is caught elsewhere
        act(1)
        caught = alarms(ELSEWHERE)[0]
        assert (caught["specificProblem"], caught["perceivedSeverity"]) == ("power_loss", "MAJOR")
        assert typed("explain", caught["alarmId"][:8])[0] == 0
        assert typed("reproduce", caught["alarmId"][:8])[0] == 0

        # it is seen where it is not, and rejected once
        act(2)
        (wrong,) = [one for one in alarms(WORKS) if one["notificationType"] == "notifyNewAlarm"][-1:]
        assert wrong["specificProblem"] == "power_loss"
        assert typed("reject", wrong["alarmId"][:8], "--class", "neighbour_off", "--by", "bob")[0] == 0
        service.wait_metric('faultline_exemplars{kind="ignore"}', 1, 5)

        # so that the next one is quiet, and the fault itself is not
        act(3)
        assert alarms(AGAIN) == []
        assert alarms(LATER)[0]["specificProblem"] == "power_loss"
        assert service.metrics()[WITHHELD.format("ignored")] >= 1, "and the rest of the one that was rejected"
        assert typed("labels", "--withheld")[0] == 0

        # a lesson that would cost too much is held
        hour = ("--at", iso_time(T0 + 410), "--until", iso_time(T0 + 440))
        assert typed("teach", "--cell", "cell-1", *hour, "--class", "slow", "--by", "carl")[0] == 3
        service.wait_metric("faultline_quarantined_exemplars", 1, 5)
        act(4)
        assert "slow" not in {one["specificProblem"] for one in alarms("cell-3")}
        assert service.metrics()[WITHHELD.format("quarantined")] >= 1
        assert typed("labels")[0] == 0
