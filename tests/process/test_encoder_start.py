"""Start of the encoder, which takes seconds: what misleads it is a sentence, and a signal ends it as any other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.kafka.broker import ROOT, die_with_parent, free_ports
from tests.process.programs import environment, shell
from trainer.pretrained.shipped import SHIPPED

pytestmark = pytest.mark.slow

END_SECONDS = 5.0

END_CPU_SECONDS = 0.3


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    servers = f"127.0.0.1:{free_ports(1)[0]}"
    knobs = {"bundle": str(SHIPPED), "kafka": {"common": {"bootstrap.servers": servers}}, "http": {"port": 0}}
    path.write_text(yaml.safe_dump(knobs))
    return path


def launch(verb: list[str], config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*die_with_parent(), sys.executable, "-m", "detector", *verb, "--config", str(config)],
        cwd=ROOT,
        env=environment({"PYTHONUNBUFFERED": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("script", "code", "sentence"),
    [
        ("KERAS_BACKEND=theano", 2, "set KERAS_BACKEND=tensorflow."),
        ("KERAS_BACKEND=jax", 2, "set KERAS_BACKEND=tensorflow."),
        ("MPLBACKEND=nonsense", 2, "unset MPLBACKEND=nonsense"),
        (
            "OMP_NUM_THREADS=0 TF_NUM_INTRAOP_THREADS=-1 CUDA_VISIBLE_DEVICES=x,y HOME=/proc/no TMPDIR=/proc/no",
            0,
            "",
        ),
        ("PYTHONWARNINGS=error", 0, ""),
    ],
)
def test_a_variable_of_the_environment_ends_in_a_sentence_or_nothing(script, code, sentence, config):
    told = shell(f"{script} $FAULTLINE check --offline --config {config}")

    assert told.code == code
    assert sentence in told.err
    assert len(told.err.splitlines()) == bool(sentence)


def test_a_limit_of_the_address_space_is_a_sentence(config):
    told = shell(f"ulimit -v 1500000; $FAULTLINE check --offline --config {config}")

    assert told.code == 2
    assert "memory ran out (libtensorflow" in told.err


def test_no_home_leaves_nothing_in_the_current_folder(config, tmp_path):
    told = shell(f"unset HOME; $FAULTLINE check --offline --config {config}", cwd=tmp_path)

    assert told.code == 0, told.err
    assert [path.name for path in tmp_path.iterdir()] == [config.name]


@pytest.mark.parametrize("seconds", [1.5, 4.0, 8.0])
def test_a_signal_at_any_moment_of_a_start_ends_it(seconds, config):
    process = launch(["check", "--offline"], config)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        assert process.wait(60) == 143
        assert time.monotonic() - begin < END_SECONDS
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_the_end_takes_no_time_of_its_own(config):
    process = launch(["check", "--offline"], config)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("bundle"):
        assert process.poll() is None
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    before = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    _, status, usage = os.wait4(process.pid, 0)

    assert status == 0
    assert usage.ru_utime + usage.ru_stime - before < END_CPU_SECONDS
