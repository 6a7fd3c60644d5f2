"""Programs that the tests of deploy/ ask: of this machine, or Debian's packages laid out in a folder of our own."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.kafka.broker import ROOT

FOLDER = ROOT / "build" / "programs"

FETCH_SECONDS = 120.0
"""Two seconds on an ordinary line."""

PACKAGES = {"prometheus": "prometheus", "promtool": "prometheus", "amtool": "prometheus-alertmanager"}
"""Which package of Debian has which program."""


class ProgramUnavailable(Exception):
    """The program can be had neither here nor from Debian."""


def program(name: str) -> str:
    """The path of a program, fetched if need be; nothing is installed."""
    found = shutil.which(name)
    if found:
        return found
    if name not in PACKAGES:
        raise ProgramUnavailable(f"no {name} on the PATH")
    path = FOLDER / PACKAGES[name] / "usr" / "bin" / name
    if not path.exists():
        fetch(PACKAGES[name])
    return str(path)


def fetch(package: str) -> None:
    """Unpacks a package of Debian under FOLDER, whole or not at all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="fetch-") as scratch:
        folder = Path(scratch)
        try:
            ask(["apt-get", "download", package], folder)
            (archive,) = folder.glob("*.deb")
            ask(["dpkg", "-x", archive.name, "unpacked"], folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise ProgramUnavailable(f"Debian's package {package} cannot be had: {error}") from error
        shutil.rmtree(FOLDER / package, ignore_errors=True)
        (folder / "unpacked").replace(FOLDER / package)


def ask(command: list[str], folder: Path = ROOT, said: str = "") -> str:
    """What a command said. Raises CalledProcessError, with that, when it does not end with 0."""
    done = subprocess.run(
        command, cwd=folder, input=said, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
    )
    if done.returncode != 0:
        told = f"{done.stdout}{done.stderr}"[-2000:]
        raise subprocess.CalledProcessError(done.returncode, f"{' '.join(command)}: {told}")
    return done.stdout + done.stderr
