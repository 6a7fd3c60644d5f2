"""Compaction as Kafka does it: of each key the newest value remains, and a record without a value retires the key."""

from collections.abc import Iterable


def apply_record(table: dict[bytes, bytes], key: bytes, value: bytes | None) -> None:
    """Apply one record of a compacted topic to a table. The key moves to the table's end."""
    table.pop(key, None)
    if value is not None:
        table[key] = value


def newest_values(records: Iterable[tuple[bytes, bytes | None]]) -> dict[bytes, bytes]:
    """Return each key's newest value, in the order of those values; retired keys are left out."""
    table: dict[bytes, bytes] = {}
    for key, value in records:
        apply_record(table, key, value)
    return table
