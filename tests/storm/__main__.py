"""`make storm`: everything that can befall the daemon befalls it, and each time what came out is what should have.

    python -m tests.storm [SCENARIO …] [--seed N] [--reduced] [--list]

prints scenario, passed, what differed or why it was not tried, and seconds, writes build/storm.json, and ends with 3
where one differed.
`--list` also says, number by number, what can befall the daemon and which scenario or test proves that it does no harm.
"""

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.kafka.broker import Broker
from tests.storm.memory import Untried
from tests.storm.scenarios import SCENARIOS
from tests.storm.storm import FULL, REDUCED, Scenario, Storm

RESULT = Path("build/storm.json")

PROOFS = Path(__file__).with_name("proofs.txt")


def main() -> int:
    arguments = parse()
    if arguments.list:
        print(*SCENARIOS, "", PROOFS.read_text(), sep="\n", end="")
        return 0
    print(f"seed {arguments.seed}")
    played: list[dict[str, Any]] = []
    with Broker() as broker, tempfile.TemporaryDirectory(prefix="faultline-storm-") as folder:
        storm = Storm(broker, Path(folder), REDUCED if arguments.reduced else FULL, arguments.seed)
        for name in arguments.scenario or SCENARIOS:
            played.append({"scenario": name, **play(name, SCENARIOS[name], storm)})
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"seed": arguments.seed, "scenarios": played}, indent=1) + "\n")
    failed, untried = ([one["scenario"] for one in played if one.get(how)] for how in ("differed", "untried"))
    passed = len(played) - len(failed) - len(untried)
    print(f"{passed} of {len(played)} passed, {len(untried)} not tried; written to {RESULT}")
    return 3 if failed else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], metavar="SCENARIO", help="all by default")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="drawn by default")
    parser.add_argument(
        "--reduced", action="store_true", help="as `make test-all` has it: fewer kills, shorter absences"
    )
    parser.add_argument("--list", action="store_true", help="the scenarios' names, and what proves what")
    return parser.parse_args()


def play(name: str, scenario: Scenario, storm: Storm) -> dict[str, Any]:
    """One line of the table. A scenario that could not be played to its end has differed, too."""
    storm.right  # noqa: B018  # made before the first clock starts
    begin = time.monotonic()
    try:
        differed = scenario(storm, storm.rng(name))
    except Untried as untried:
        print(f"{name:<48}not tried: {untried}", flush=True)
        return {"differed": [], "untried": str(untried), "seconds": 0.0}
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[1:]
        differed = [*(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in place), repr(error)]
        differed += getattr(error, "__notes__", [])
    seconds = time.monotonic() - begin
    print(f"{name:<48}{'passed' if not differed else 'DIFFERED':<10}{seconds:6.0f} s", flush=True)
    for line in differed:
        print(f"    {line}", flush=True)
    return {"differed": differed, "seconds": round(seconds, 1)}


if __name__ == "__main__":
    sys.exit(main())
