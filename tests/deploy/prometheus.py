"""A real Prometheus with the rules of deploy/, hurried: what takes minutes in service takes seconds here.

Only durations are changed, and only in the copy that is asked: ranges, offsets and `for` are divided by the pace, and
kept between SHORTEST and LONGEST. Thresholds stay as they are.
"""

import json
import re
import subprocess
import urllib.parse
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.deploy.programs import program
from tests.eventually import eventually
from tests.kafka.broker import ROOT, die_with_parent, free_ports
from tests.service.stage import get

RULES = ROOT / "deploy" / "prometheus"

PACE = 60
"""A minute is a second."""

SHORTEST, LONGEST = 4, 20
"""Seconds: a rate needs a few scrapes, and nobody waits for a day."""

SCRAPE = "500ms"

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SPAN = re.compile(r"(\d+)([smhd])")

FIRING_SECONDS = 120.0
"""On two busy cores; most fire within 30 s."""


def hurried(text: str, pace: float, longest: float = LONGEST) -> str:
    """Rules with shorter durations."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[1]) * UNITS[found[2]] / pace
        return f"{round(min(max(seconds, SHORTEST), longest) * 1000)}ms"

    def spans(expression: str) -> str:
        return re.sub(r"\[\d+[smhd]\]|offset \d+[smhd]", lambda span: SPAN.sub(shorter, span[0]), expression)

    rules = yaml.safe_load(text)
    for group in rules["groups"]:
        group["interval"] = "1s"
        for rule in group["rules"]:
            rule["expr"] = spans(rule["expr"])
            if "for" in rule:
                rule["for"] = SPAN.sub(shorter, rule["for"])
    return yaml.safe_dump(rules)


class Prometheus:
    """One that scrapes `targets`, host:port each, and evaluates the hurried rules every second.

    `changes` replace the expressions of rules by name, for what cannot be provoked: a limit, say. With `secrets`, files
    by their names beside the scrape's configuration, it comes by TLS and with a password, as told there in a comment.
    """

    def __init__(
        self,
        folder: Path,
        targets: Sequence[str],
        pace: float = PACE,
        changes: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._folder, self._targets, self._secrets = folder, targets, secrets or {}
        self._pace, self._changes = pace, changes or {}
        self._port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._write()
        command = [
            *die_with_parent(),
            program("prometheus"),
            f"--config.file={self._folder}/prometheus.yml",
            f"--storage.tsdb.path={self._folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self._is_ready, "Prometheus is ready", 60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector of an expression. ValueError where Prometheus does not understand it."""
        asked = urllib.parse.urlencode({"query": expression})
        answer = get(f"http://127.0.0.1:{self._port}/api/v1/query?{asked}")
        told = json.loads(answer.body)
        if told["status"] != "success":
            raise ValueError(f"{expression}: {told['error']}")
        result = told["data"]["result"]
        return result if told["data"]["resultType"] in ("vector", "matrix") else [{"value": result}]

    def firing(self) -> set[str]:
        return self._alerts("firing")

    def pending(self) -> set[str]:
        return self._alerts("pending")

    def wait_firing(self, *names: str) -> None:
        """Until all of these fire."""
        eventually(lambda: set(names) <= self.firing(), f"{names} fire; {self.firing()} do", FIRING_SECONDS)

    def wait_quiet(self) -> None:
        """Until it has seen its targets, and nothing fires nor is about to."""

        def quiet() -> bool:
            seen = self.query("faultline_ready == 1")
            return len(seen) == len(self._targets) and not self.firing() | self.pending()

        eventually(quiet, f"quiet; {self.firing()} fire, {self.pending()} are pending", FIRING_SECONDS)

    def _alerts(self, state: str) -> set[str]:
        return {alert["metric"]["alertname"] for alert in self.query(f'ALERTS{{alertstate="{state}"}}')}

    def _is_ready(self) -> bool:
        try:
            return get(f"http://127.0.0.1:{self._port}/-/ready").status == 200
        except OSError:
            return False

    def _write(self) -> None:
        for name in ("recording.yml", "alerts.yml"):
            rules = yaml.safe_load(hurried((RULES / name).read_text(), self._pace, LONGEST * PACE / self._pace))
            for group in rules["groups"]:
                for rule in group["rules"]:
                    rule["expr"] = self._changes.get(rule.get("record", rule.get("alert")), rule["expr"])
            (self._folder / name).write_text(yaml.safe_dump(rules))
        for name, text in self._secrets.items():
            (self._folder / name).parent.mkdir(exist_ok=True)
            (self._folder / name).write_text(text)
        told = (RULES / "prometheus.yml").read_text()
        scrape = yaml.safe_load(re.sub(r"# (?=scheme|tls_|basic_)", "", told) if self._secrets else told)
        scrape["global"] = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": "1s"}
        del scrape["alerting"]
        scrape["scrape_configs"][0]["static_configs"] = [{"targets": list(self._targets)}]
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(scrape))
