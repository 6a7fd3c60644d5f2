"""The wheel holds all that runs: built from the sources, installed into a fresh environment, used outside the checkout.

Only the package comes from the fresh environment; what it depends on comes from this one, which would else be two
minutes of downloads.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from detector import __version__

ROOT = Path(__file__).parents[1]
PACKAGES = ("detector", "trainer")
SOURCES = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "constraints.txt", *PACKAGES)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Run = Callable[..., str]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the checkout, nor taken from what lies there."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(built), str(source)], check=True, cwd=built)
    assert (built / f"faultline_ran-{__version__}.tar.gz").is_file()
    return built / f"faultline_ran-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, and after it the packages of this one, though not its editable install."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(home, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel)], check=True, env=clean_environment()
    )
    # A path in a .pth is appended to sys.path, and no .pth in that path is read: the editable install's finder is one.
    (site_packages(home) / "outer.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return home


@pytest.fixture
def run(fresh: Path, tmp_path: Path) -> Run:
    """Run a program of the fresh environment outside the checkout, and return what it printed."""

    def run(program: str, *words: object) -> str:
        command = [str(fresh / "bin" / program), *map(str, words)]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=clean_environment(), check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def clean_environment() -> dict[str, str]:
    """Return the environment without PYTHONPATH and its like, by which the checkout would pass for an installed one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def site_packages(home: Path) -> Path:
    (found,) = home.glob("lib/python*/site-packages")
    return found


def test_it_holds_every_file_of_the_packages_and_the_licence_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())

    packaged = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert sorted(set(packaged) - held) == []
    assert {
        "detector/py.typed",
        "trainer/pretrained/tokens/tokens.npz",
        "trainer/pretrained/shipped/tree/SHA256SUMS",
    } <= held
    others = {name for name in held if name.split("/")[0] not in PACKAGES}
    information = f"faultline_ran-{__version__}.dist-info/"
    assert f"{information}licenses/LICENSE" in others
    assert [name for name in others if not name.startswith(information)] == []


def test_the_packages_come_from_the_wheel(run: Run, fresh: Path) -> None:
    told = run("python", "-c", "import detector, trainer; print(detector.__file__, trainer.__file__)")

    assert [Path(path).parent.parent for path in told.split()] == [site_packages(fresh)] * 2


def test_both_programs_tell_the_version(run: Run) -> None:
    assert run("faultline", "--version") == f"faultline {__version__}\n"
    assert run("faultline-trainer", "--version") == f"faultline-trainer {__version__}\n"


def test_a_shipped_scenario_is_simulated(run: Run, tmp_path: Path) -> None:
    run("faultline-trainer", "simulate", "quiet-week", "--out", "history", "--cells", 10, "--days", 1, "--workers", 1)

    assert list((tmp_path / "history").rglob("*.parquet"))


def test_the_shipped_bundle_passes_a_check_without_kafka(run: Run, fresh: Path, tmp_path: Path) -> None:
    bundle = site_packages(fresh) / "trainer" / "pretrained" / "shipped" / "tree"
    config = tmp_path / "config.yaml"
    config.write_text(f"bundle: {bundle}\nkafka: {{common: {{bootstrap.servers: 'nowhere.invalid:9092'}}}}\n")

    told = run("faultline", "check", "--offline", "--config", config)

    parts = ["config", "host", "trust", "bundle", "minutes"]
    assert list(dict.fromkeys(line.split()[0] for line in told.splitlines())) == parts
