"""Checks of a configuration that its types cannot express: addresses, properties, and keys that depend on each other.

Each check yields its mistakes, so that all of them are reported at once.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator

from detector.config.schema import Config, transaction_seconds
from detector.config.topic_names import check_topic_names
from detector.core.vocabulary import SILENT
from detector.strict_yaml.document import Keys

GUARDED = {
    "enable.auto.commit": "offsets are committed with the alarms, in one transaction",
    "enable.auto.offset.store": "offsets are committed with the alarms, in one transaction",
    "isolation.level": "only committed records may be read",
    "transactional.id": "it is made of kafka.group and kafka.instance",
    "group.id": "set kafka.group",
    "group.instance.id": "set kafka.instance",
    "auto.offset.reset": "set kafka.start",
    "enable.idempotence": "exactly-once delivery needs it",
    "acks": "exactly-once delivery needs the acknowledgement of all replicas",
    "enable.partition.eof": "the daemon relies on its own setting",
    "partition.assignment.strategy": "partitions move one at a time, each with its checkpoint",
}
"""librdkafka properties that would break a guarantee, each with the reason. All others are passed through unchecked."""

TRANSACTION_POLL_SECONDS = 4.0
"""Seconds between two checks of a transaction's call: two for the call, two to ask whether the brokers answer.

While the brokers answer, a failing transaction is abandoned at the latest when its timeout is over, and a new producer
takes over. A watchdog with a shorter timeout would end the process instead.
"""

HOSTNAME = re.compile(
    r"(?=.*[A-Za-z])[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
"""Name of a host. It needs a letter: `127.1` and `0` are addresses to the C library, and hardly meant."""

BROKER = re.compile(r"(?:[A-Za-z_]+://)?(?P<host>\[[^\]]*\]|[^:/\s]+)(?::(?P<port>[0-9]+))?")

ConfigMistakes = Iterator[tuple[Keys, str]]
"""Keys and sentence of each mistake."""


def check_properties(config: Config) -> ConfigMistakes:
    """Yield the librdkafka properties that must not be set."""
    for section in ("common", "consumer", "producer"):
        for name in getattr(config.kafka, section):
            if name in GUARDED:
                yield ("kafka", section, name), f"must not be set: {GUARDED[name]}; remove it."


def check_budgets(config: Config) -> ConfigMistakes:
    """Yield budgets that leave nothing to the other classes, and budgets without an effect."""
    budgets, total = config.alarms.budgets, config.alarms.false_alarms_per_1000_cells_per_day
    single = sum(budgets.values())
    if single >= total:
        rest = f"which leaves nothing of the budget of all classes, {total:g}, to the other classes"
        remedy = "lower them, or raise alarms.false_alarms_per_1000_cells_per_day"
        yield ("alarms", "budgets"), f"adds up to {single:g}, {rest}; {remedy}."
    if SILENT in budgets:
        reason = "silent minutes are counted and have no score"
        yield ("alarms", "budgets", SILENT), f"has no effect: {reason}; remove it."


def check_times(config: Config) -> ConfigMistakes:
    """Yield times that are too long or too short for others."""
    silent, memory = config.settings_at(1).silent_minutes, config.settings_at(1).tolerance.memory_minutes
    if silent >= memory:
        reason = f"is {silent}, which is not below {memory}, the minutes that are replayed"
        yield ("minutes", "silent_minutes"), f"{reason}; lower it, or raise behind_minutes."
    transaction = transaction_seconds(config.kafka)
    least, stall = transaction + TRANSACTION_POLL_SECONDS, config.runtime.stall_seconds
    if stall < least:
        reason = f"a failing transaction is abandoned after {transaction:g} s, and that must not end the process"
        remedy = "raise it, or lower transaction.timeout.ms in kafka.producer"
        yield ("runtime", "stall_seconds"), f"is {stall:g}, which is below {least:g}: {reason}; {remedy}."


def check_http(config: Config) -> ConfigMistakes:
    """Yield an address, user or key of the endpoints that cannot be used."""
    http = config.http
    problem = host_problem(http.host)
    if problem:
        yield ("http", "host"), f"is {problem}."
    if bool(http.user) != bool(http.password):
        yield ("http",), "has only one of user and password; give both, or neither."
    if ":" in http.user:
        reason = "contains a colon, which HTTP's basic authentication does not allow"
        yield ("http", "user"), f"{reason}; give another name."
    if http.key and not http.certificate:
        yield ("http", "key"), "is set without a certificate; set http.certificate, too."


def check_brokers(config: Config) -> ConfigMistakes:
    """Yield missing or broken addresses of brokers."""
    servers = config.kafka.common.get("bootstrap.servers")
    keys: Keys = ("kafka", "common", "bootstrap.servers")
    if servers is None:
        yield ("kafka", "common"), "lacks bootstrap.servers; give it host:port of a broker."
        return
    for address in str(servers).split(","):
        problem = broker_problem(address.strip())
        if problem:
            yield keys, f"has an address that is {problem}; give host:port, and commas between several."
            return


CHECKS: tuple[Callable[[Config], ConfigMistakes], ...] = (
    *(check_topic_names, check_properties, check_budgets, check_times, check_http, check_brokers),
)


def host_problem(host: str) -> str:
    """Return the reason why a text is no address to listen on; "" for an address."""
    if "://" in host or "/" in host:
        return "a URL or a path; give the host alone, such as 127.0.0.1"
    if host == "*":
        return "`*`; give 0.0.0.0 to listen on every interface of IPv4, or :: for IPv6"
    if is_ip_address(host):
        return ""
    if host.startswith("[") or (host.count(":") == 1 and host.rpartition(":")[2].isdecimal()):
        return "a host with a port or brackets; give the host here, such as 127.0.0.1 or ::1, and the port as http.port"
    if not HOSTNAME.fullmatch(host):
        return "no address and no name of a host; give one, such as 127.0.0.1"
    return ""


def broker_problem(address: str) -> str:
    """Return the reason why a text is no address of a broker; "" for an address."""
    found = BROKER.fullmatch(address)
    if not address:
        return "empty"
    if found is None:
        return "no host with a port"
    host, port = found["host"], found["port"]
    if port is not None and not 1 <= int(port[:6]) <= 65_535:
        return "with a port outside 1 to 65,535"
    if host.startswith("["):
        return "" if is_ip_address(host[1:-1]) else "no IPv6 address in its brackets"
    return "" if is_ip_address(host) or HOSTNAME.fullmatch(host) else "no address and no name of a host"


def is_ip_address(host: str) -> bool:
    """Return whether a host is an address in digits, of IPv4 or IPv6."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
