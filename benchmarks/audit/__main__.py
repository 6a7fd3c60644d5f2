"""`make audit`: every pinned version of constraints.txt held against PyPI's advisories, by pip-audit.

It says how many were looked up and how many were not: pip-audit itself finds "no known vulnerabilities" in what it
could not ask about. 0 nothing is known of those that were asked about · 1 pip-audit fails · 3 something is known.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

SECONDS = 600
"""80 versions are asked for one by one; where nobody answers, 16 s."""

COMMAND = ["pip-audit", "--requirement", "constraints.txt", "--no-deps", "--disable-pip", "--format", "json"]


def main(program: str) -> int:
    command = [program, *COMMAND[1:], "--progress-spinner", "off", "--timeout", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    try:
        told = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"pip-audit failed ({done.returncode}): {done.stderr.strip()[-500:]}")
        return 1
    print("\n".join(lines(told)))
    return 3 if any(known(one) for one in told) else 0


def known(one: dict[str, Any]) -> list[dict[str, Any]]:
    """The advisories of one version."""
    found: list[dict[str, Any]] = one.get("vulns", [])
    return found


def mended(advisory: dict[str, Any]) -> str:
    versions = ", ".join(advisory["fix_versions"])
    return f"mended in {versions}" if versions else "mended nowhere yet"


def lines(told: list[dict[str, Any]]) -> list[str]:
    """What is known, worst first, and what could not be asked."""
    asked = [one for one in told if "skip_reason" not in one]
    unasked = [one for one in told if "skip_reason" in one]
    said = [
        f"{one['name']} {one['version']}: {advisory['id']}, {mended(advisory)}"
        for one in asked
        for advisory in known(one)
    ]
    count = sum(bool(known(one)) for one in asked)
    said.append(f"{len(asked)} of {len(told)} pinned versions were looked up, {count} have advisories")
    if unasked:
        said.append(f"{len(unasked)} were skipped: {unasked[0]['skip_reason']}{' …' if len(unasked) > 1 else ''}")
    if not asked:
        said.append("no advisory database can be reached from here; run `make audit` where pypi.org/pypi can be")
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
