"""Columns of Parquet as columns of a sample: every numeric, textual and temporal type that writers use."""

from typing import Any

import numpy as np

from trainer.catalogue_draft.table import SampleColumn, text_column

UNITS_PER_SECOND = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}

SECONDS_OF_A_DAY = 86_400


def arrow_table(table: Any) -> dict[str, SampleColumn]:
    """Return the columns of an Arrow table. Members of a struct stand beside the others; lists are left out."""
    import pyarrow

    while any(pyarrow.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    columns = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        column = _column(values)
        if column is not None:
            columns[name.removeprefix("features.")] = column
    return columns


def _column(values: Any) -> SampleColumn | None:
    """Return a column; None for a type that is no single value."""
    import pyarrow
    import pyarrow.compute

    types = pyarrow.types
    if types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if types.is_timestamp(kind):
        seconds = _numbers(values.cast("int64")) / UNITS_PER_SECOND[kind.unit]
        return SampleColumn(seconds, is_time=True)
    if types.is_date(kind):
        return SampleColumn(_numbers(values.cast("date32").cast("int32")) * SECONDS_OF_A_DAY, is_time=True)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return SampleColumn(_finite(_numbers(pyarrow.compute.cast(values, "float64", safe=False))))
    if types.is_boolean(kind):
        return SampleColumn(_numbers(values.cast("int8")))
    if types.is_null(kind):
        return SampleColumn(np.full(len(values), np.nan))
    if types.is_string(kind) or types.is_large_string(kind):
        return text_column(values.to_pylist())
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return text_column([value if value is None else value.decode(errors="replace") for value in values.to_pylist()])
    return None


def _numbers(values: Any) -> Any:
    return values.to_numpy().astype(np.float64)


def _finite(numbers: Any) -> Any:
    return np.where(np.isfinite(numbers), numbers, np.nan)
