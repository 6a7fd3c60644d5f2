"""Fuzzing of every door for some minutes: `python -m tests.fuzz [TARGET …] [--minutes N] [--seed N]`.

Prints the seed, the inputs tried and, for what falls, the shortest input that Hypothesis finds. Ends with 3 if any did.
"""

import argparse
import random
import sys
import traceback
from time import monotonic

from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.targets import Target, targets

LONGEST_REPORT = 3000
"""Characters of an input that are printed; the seed draws it again."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help="targets (default: all)")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="drawn by default")
    arguments = parser.parse_args()
    chosen = {name: target for name, target in targets().items() if not arguments.target or name in arguments.target}
    print(f"seed {arguments.seed}, targets {', '.join(chosen)}", flush=True)
    counts, failed = dict.fromkeys(chosen, 0), set[str]()
    end, round_seed = monotonic() + 60 * arguments.minutes, arguments.seed
    while monotonic() < end and len(failed) < len(chosen):
        for name in [name for name in chosen if name not in failed]:
            counts[name] += chosen[name].examples
            if not run(name, chosen[name], round_seed, chosen[name].examples):
                failed.add(name)
        round_seed += 1
    for name, count in counts.items():
        print(f"{name:<14}{count:>8} inputs  {'FAILED' if name in failed else 'no finding'}")
    return 3 if failed else 0


def run(name: str, target: Target, number: int, examples: int) -> bool:
    """Try inputs of one target; print the shortest one that falls, and return whether none does."""

    def check(value: object) -> None:
        target.check(value)

    rules = settings(
        max_examples=examples, database=None, deadline=None, print_blob=False, suppress_health_check=list(HealthCheck)
    )
    try:
        seed(number)(rules(given(target.inputs)(check)))()
    except Exception as error:
        print(f"--- {name}, seed {number}\n{_report(error)}", flush=True)
        return False
    return True


def _report(error: Exception) -> str:
    """Return where an input fell, and the input, which Hypothesis adds to the error as a note."""
    notes = "\n".join(getattr(error, "__notes__", ()))
    causes = error.exceptions if isinstance(error, ExceptionGroup) else [error]
    stacks = ["".join(traceback.format_tb(cause.__traceback__)[-3:]) + repr(cause)[:500] for cause in causes]
    inputs = "\n".join("\n".join(getattr(cause, "__notes__", ())) for cause in causes)
    return "\n".join([*stacks, f"{notes}{inputs}"[:LONGEST_REPORT]])


if __name__ == "__main__":
    sys.exit(main())
