"""The configuration file of the distribution is the documentation of the knobs, and so must agree with them."""

import msgspec
import pytest
import yaml

from detector.config.checks import GUARDED
from detector.config.loader import read_config
from detector.config.schema import Config
from detector.errors import ConfigError
from detector.kafka.client import consumer_properties, producer_properties
from tests.kafka.broker import ROOT

FILE = ROOT / "config.yaml"


def knobs(node, at="$"):
    """Every knob's path with its value; the properties handed through to librdkafka are one knob each."""
    if isinstance(node, dict) and not at.endswith((".common", ".consumer", ".producer")):
        return {path: value for name, part in node.items() for path, value in knobs(part, f"{at}.{name}").items()}
    return {at: node}


def test_config_yaml_shows_every_knob_with_its_default():
    written = knobs(yaml.safe_load(FILE.read_text()))
    defaults = knobs(msgspec.to_builtins(Config(bundle=written["$.bundle"])))
    defaults["$.kafka.common"] = {"bootstrap.servers": "127.0.0.1:9092"}
    assert written == defaults


def test_config_yaml_is_a_configuration():
    config = read_config(FILE)
    assert config == msgspec.convert(yaml.safe_load(FILE.read_text()), Config)


def test_what_is_handed_through_never_outranks_a_guarantee():
    config = read_config(FILE)
    passed = dict.fromkeys(GUARDED, "theirs")
    kafka = msgspec.structs.replace(config.kafka, common=passed, consumer=passed, producer=passed)
    consumer, producer = consumer_properties(kafka), producer_properties(kafka)
    ours = ("group.id", "group.instance.id", "isolation.level", "enable.auto.commit", "enable.auto.offset.store")
    assert "theirs" not in [consumer[name] for name in (*ours, "enable.partition.eof", "auto.offset.reset")]
    assert "theirs" not in [producer[name] for name in ("transactional.id", "enable.idempotence", "acks")]


@pytest.mark.parametrize(
    ("budgets", "sentence"),
    [
        (
            "{dns_failure: 3, unknown: 2}",
            "`alarms.budgets` adds up to 5, which leaves nothing of the budget of all classes, 5, to the",
        ),
        (
            "{cell_silent: 1}",
            "line 3, column 20: `alarms.budgets.cell_silent` has no effect: silent minutes are counted and have no"
            " score",
        ),
        (
            "{dns_failure: 0}",
            "line 3, column 33: `alarms.budgets.dns_failure` is 0; allowed is a number above 0 and up to 1,000.",
        ),
        (
            "{Dns Failure: 1}",
            "line 3, column 20: the key `Dns Failure` of `alarms.budgets` is not allowed; allowed is a class",
        ),
    ],
)
def test_a_budget_that_cannot_be_is_refused_in_one_sentence(tmp_path, budgets, sentence):
    path = tmp_path / "config.yaml"
    path.write_text(f"bundle: b\nkafka: {{common: {{bootstrap.servers: 'x:1'}}}}\nalarms: {{budgets: {budgets}}}\n")
    with pytest.raises(ConfigError) as refused:
        read_config(path)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")
