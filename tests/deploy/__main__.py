"""`make deploy-test`: all that one machine can prove of deploy/, and what it cannot, with the reason."""

import shutil
import subprocess
import sys

import pytest

from tests.kafka.broker import ROOT

PROBE_SECONDS = 20

BEYOND = (
    ("the images built, and a container of each with a read-only root", ["docker", "info"], "no container engine"),
    ("compose.yaml from an empty laptop to a dashboard", ["docker", "compose", "version"], "no docker compose"),
    ("the manifests applied, and a rolling update", ["kubectl", "cluster-info"], "no cluster"),
    ("the unit started by systemd", ["systemctl", "is-system-running", "--quiet"], "systemd does not run here"),
    ("the dashboards drawn", ["grafana", "--version"], "no Grafana; each expression was asked of Prometheus"),
)
"""What no test here tries, what it would take, and what is said where that is missing."""


def main() -> int:
    outcome = pytest.main(["-q", "-rs", "-m", "", "-p", "no:cacheprovider", str(ROOT / "tests" / "deploy")])
    print("\nNot tried:")
    for what, command, lacking in BEYOND:
        print(f"  {what}: {'could be tried on this machine, by hand' if answers(command) else lacking}")
    print("  the GPU image and overlay on a GPU; KEDA, the Prometheus operator: nothing here")
    return int(outcome)


def answers(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
