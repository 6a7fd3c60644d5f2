"""Five topics are five names that Kafka accepts: anything else is refused where the configuration is read."""

from itertools import combinations

import pytest
import yaml

from detector.config.loader import read_config
from detector.config.schema import Topics
from detector.errors import ConfigError

ROLES = Topics.__struct_fields__


def read(tmp_path, topics):
    path = tmp_path / "config.yaml"
    path.write_text(
        yaml.safe_dump({"bundle": "b", "kafka": {"common": {"bootstrap.servers": "x:1"}, "topics": topics}})
    )
    return read_config(path)


def refused(tmp_path, topics):
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, topics)
    assert str(raised.value).endswith(".")
    return str(raised.value)


@pytest.mark.parametrize("pair", list(combinations(ROLES, 2)), ids=" and ".join)
@pytest.mark.parametrize(("first", "second"), [("same", "same"), ("a.b", "a_b"), ("a_b.c", "a.b_c")])
def test_no_two_topics_are_one(tmp_path, pair, first, second):
    one, other = pair
    said = refused(tmp_path, {one: first, other: second})
    assert f"`kafka.topics.{other}` is {second}, " in said
    assert f"kafka.topics.{one} is" in said


def test_a_default_is_taken_like_any_other_name(tmp_path):
    assert "`kafka.topics.alarms` is cells.alarms, as kafka.topics.minutes is" in refused(
        tmp_path, {"minutes": "cells.alarms"}
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "is empty"),
        ("  ", "is blank"),
        (".", "no name of a topic"),
        ("..", "no name of a topic"),
        ("two words", "no name of a topic"),
        ("zellen.störung", "no name of a topic"),
        ("a/b", "no name of a topic"),
        ("a\n", "without controls"),
        ("١", "no name of a topic"),
        ("x" * 250, "no name of a topic"),
        ("__consumer_offsets", "a topic of Kafka's own"),
    ],
)
def test_a_name_that_kafka_refuses_is_refused_here(tmp_path, role, name, words):
    said = refused(tmp_path, {role: name})
    assert f"`kafka.topics.{role}` is " in said
    assert words in said


@pytest.mark.parametrize("name", ["x" * 249, "a", "...", "A-b_c.9", "__mine"])
def test_any_other_name_is_taken(tmp_path, name):
    assert read(tmp_path, {"labels": name}).kafka.topics.labels == name
