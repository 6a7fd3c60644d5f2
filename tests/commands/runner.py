"""Run command lines in a process of their own, one after the other, and tell how each ended and what it imported.

python -m tests.commands.runner < [["faultline", "labels", "--hours", "x"], …] > [{"code": 2, …}, …]
"""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

HEAVY = ("tensorflow", "keras", "faiss", "confluent_kafka", "numpy", "msgspec", "yaml")


@dataclass(frozen=True)
class Ending:
    """How a command line ended. `heavy`: the heavy libraries that its process had imported by then."""

    code: int
    out: str
    err: str
    heavy: list[str]


def run_all(command_lines: Sequence[Sequence[str]], folder: Path) -> list[Ending]:
    """Run command lines of both programs in one new process, in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.commands.runner"],
        input=json.dumps([list(map(str, line)) for line in command_lines]),
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "100"},
    )
    return [Ending(**ending) for ending in json.loads(done.stdout)]


def run_one(program: str, *arguments: str) -> Ending:
    from detector.__main__ import main as detector
    from trainer.__main__ import main as trainer

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = {"faultline": detector, "faultline-trainer": trainer}[program](arguments)
        except SystemExit as end:
            code = int(end.code or 0)
    return Ending(code, out.getvalue(), err.getvalue(), [name for name in HEAVY if name in sys.modules])


if __name__ == "__main__":
    print(json.dumps([vars(run_one(*line)) for line in json.load(sys.stdin)]))
