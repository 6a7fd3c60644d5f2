"""Members of the consumer group, as its coordinator lists them: which are not Faultline, and who runs under our name.

A foreign member takes partitions that then nobody watches. With another assignor it keeps every instance out.
"""

import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, MemberDescription
from confluent_kafka.admin import GroupMember as ListedMember

from detector.config.schema import Config
from detector.kafka.broker_monitor import BACKGROUND_SECONDS
from detector.kafka.client import common_properties, consumer_properties, open_admin
from detector.text import printable

EVERY_SECONDS = 10.0
"""Pause between two requests while this instance has partitions."""

EVERY_SECONDS_UNASSIGNED = 1.0
"""Pause between two requests while it has none, perhaps because of a foreign member."""

UUID_SUFFIX = "-00000000-0000-0000-0000-000000000000"
"""End of a member's id in a classic group: the coordinator adds a UUID to the name of a static member, or the client id
of another."""

MOST_NAMED = 3
"""Foreign members that a sentence names; the others are counted."""


@dataclass(frozen=True)
class GroupMember:
    """Member of the consumer group."""

    member_id: str
    client_id: str
    host: str
    instance: str
    """Id of a static member; empty for a dynamic one."""
    topics: frozenset[str]
    """Topics of which it holds partitions."""
    partitions: int
    """Partitions of the input topic that it holds."""

    def __str__(self) -> str:
        return f"client {printable(self.client_id)} at {printable(self.host)} (member id {printable(self.member_id)})"


@dataclass(frozen=True)
class GroupListing:
    """Consumer group as its coordinator lists it."""

    assignor: str
    """Assignor of the members; empty where each has its own, or none is joined."""
    members: tuple[GroupMember, ...]


class GroupMonitor:
    """Watcher of the group's members. Only the loop's thread may use it; a thread of its own asks the coordinator."""

    def __init__(self, config: Config) -> None:
        self._config, self._kafka = config, config.kafka
        self._admin = open_admin(config.kafka)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="group-members")
        self._request: Future[GroupListing] | None = None
        self._asked_at = monotonic()
        self._foreign: tuple[GroupMember, ...] = ()

    def foreign_members(self, is_assigned: bool) -> tuple[GroupMember, ...]:
        """Return the foreign members by the last answer, and send the next request in time. Never waits."""
        pause = EVERY_SECONDS if is_assigned else EVERY_SECONDS_UNASSIGNED
        if self._request is None and monotonic() - self._asked_at >= pause:
            self._request, self._asked_at = self._send(), monotonic()
        elif self._request is not None and self._request.done():
            request, self._request = self._request, None
            if request.exception() is None:
                self._foreign = foreign_members(request.result(), self._config)
        return self._foreign

    def name_rival(self, member_id: str) -> str:
        """Return the member that `rival` returns, as text; empty where there is none."""
        return str(self.rival(member_id) or "")

    def rival(self, member_id: str) -> GroupMember | None:
        """Return the member that has taken this instance's place: the same name and another member id.

        None where there is none, or where the coordinator does not tell.
        """
        return next(
            (
                member
                for member in self._members()
                if member.instance == self._kafka.instance and member.member_id != member_id
            ),
            None,
        )

    def has_member(self, member_id: str) -> bool:
        """Return whether the coordinator lists this member. Waits for the answer; without one, it does not."""
        return any(member.member_id == member_id for member in self._members())

    def _members(self) -> tuple[GroupMember, ...]:
        try:
            return self._send().result().members
        except KafkaException:
            return ()

    def _send(self) -> Future[GroupListing]:
        return self._executor.submit(list_members, self._admin, self._kafka.group, self._kafka.topics.minutes)


def list_members(admin: AdminClient, group: str, topic: str) -> GroupListing:
    """Return the members of a group, with what they hold of this topic. Raises KafkaException.

    It asks by the client's older call. With `describe_consumer_groups`, librdkafka 2.16 aborts the process if the
    connection to the coordinator breaks while the request is sent (its issue 4605, pull request 5397). The older call
    lists no member of a group of KIP-848, so only such a group is described.
    """
    listings = admin.list_groups(group, BACKGROUND_SECONDS)
    if any(listing.members for listing in listings):
        members = [_listed_member(member, topic) for listing in listings for member in listing.members]
        return GroupListing(listings[0].protocol, tuple(members))
    if not listings:
        return GroupListing("", ())
    described = admin.describe_consumer_groups([group], request_timeout=BACKGROUND_SECONDS)[group].result()
    return GroupListing("", tuple(_described_member(member, topic) for member in described.members))


def _listed_member(member: ListedMember, topic: str) -> GroupMember:
    """Return a member of a classic group. The id of a static member begins with its name, another's with its client."""
    held = dict(read_assignment(member.assignment or b""))
    name = member.id[: -len(UUID_SUFFIX)]
    return GroupMember(
        member_id=member.id,
        client_id=member.client_id,
        host=member.client_host.lstrip("/"),
        instance=name if name != member.client_id else "",
        topics=frozenset(held),
        partitions=held.get(topic, 0),
    )


def read_assignment(assignment: bytes) -> Iterator[tuple[str, int]]:
    """Yield topic and number of partitions of a classic member's assignment; nothing of one that cannot be read.

    Format of Kafka's consumer protocol: int16 version, then an array of topics, each a string and an array of int32.
    """
    try:
        (count,), position = struct.unpack_from(">i", assignment, 2), 6
        for _ in range(count):
            (length,) = struct.unpack_from(">h", assignment, position)
            name = assignment[position + 2 : position + 2 + length].decode()
            (partitions,) = struct.unpack_from(">i", assignment, position + 2 + length)
            yield name, partitions
            position += 6 + length + 4 * partitions
    except (struct.error, UnicodeDecodeError):
        return


def _described_member(member: MemberDescription, topic: str) -> GroupMember:
    held = [partition.topic for partition in (member.assignment.topic_partitions if member.assignment else ())]
    return GroupMember(
        member_id=member.member_id or "",
        client_id=member.client_id or "",
        host=(member.host or "").lstrip("/"),
        instance=member.group_instance_id or "",
        topics=frozenset(held),
        partitions=held.count(topic),
    )


def foreign_members(group: GroupListing, config: Config) -> tuple[GroupMember, ...]:
    """Return the members that are not Faultline on this topic, in the order of their ids.

    An instance of Faultline has our client id or, as a static member, a name. It holds nothing of another topic. In a
    group whose assignor is not ours everybody is foreign: none of our instances could have joined it.
    """
    properties, topic = consumer_properties(config.kafka), config.kafka.topics.minutes
    client_id = common_properties(config.kafka)["client.id"]
    assignor = properties.get("partition.assignment.strategy")
    is_other_kind = assignor is not None and group.assignor not in ("", assignor)
    foreign = [
        member
        for member in group.members
        if is_other_kind or member.topics - {topic} or not (member.instance or member.client_id == client_id)
    ]
    return tuple(sorted(foreign, key=lambda member: member.member_id))


def foreign_sentence(members: tuple[GroupMember, ...], config: Config) -> str:
    """Return the foreign members with the remedy."""
    topic = config.kafka.topics.minutes
    named = [f"{member}{_holding(member, topic)}" for member in members[:MOST_NAMED]]
    more = f" and {len(members) - MOST_NAMED} more" if len(members) > MOST_NAMED else ""
    kind = "a consumer that is" if len(members) == 1 else f"{len(members)} consumers that are"
    return (
        f"group {config.kafka.group} has {kind} not Faultline: {', '.join(named)}{more};"
        f" stop {'it' if len(members) == 1 else 'them'}, or give {'it' if len(members) == 1 else 'them'} another group"
    )


def _holding(member: GroupMember, topic: str) -> str:
    if member.topics - {topic}:
        return f", which reads topic {printable(min(member.topics - {topic}))}"
    return f", which holds {member.partitions} partitions of {topic}" if member.partitions else ""
