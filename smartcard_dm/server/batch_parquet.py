"""Targets from a Parquet file, through pyarrow (the extra `parquet`), which is imported only here.

Guarantees: read in pieces, so that memory does not grow with the file. Errors of the library leave as `DmError`.
Leaves to its caller: whether the columns fit a template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from smartcard_dm.errors import BatchError, DmError
from smartcard_dm.server.batch_records import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STRUCTURE: Final = "targets file"
_ROWS: Final = 1024
"""Rows that are read at one time."""


class ParquetTargets:
    """A Parquet file of targets.

    Raises:
        BatchError: pyarrow is not installed.
        DmError: no Parquet file, or a column of another type than text, whole number or truth value.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
            from pyarrow import parquet, types  # noqa: PLC0415 - same
        except ImportError as error:
            raise BatchError(str(path), "pyarrow is not installed", "pip install smartcard-dm[parquet]") from error
        self._errors: tuple[type[Exception], ...] = (pa.ArrowException, OSError, UnicodeDecodeError)
        try:
            self._file: Any = parquet.ParquetFile(path)
        except self._errors as error:
            raise DmError(_STRUCTURE, "not a Parquet file that can be read") from error
        schema = self._file.schema_arrow
        self.columns: tuple[str, ...] = tuple(schema.names)
        """Names of the columns."""
        self.rows: int = self._file.metadata.num_rows
        """How many targets there are."""
        for field in schema:
            if self.columns.count(field.name) > 1:
                raise DmError(_STRUCTURE, f"the column {field.name!r:.60} stands twice")
            kind = field.type.value_type if types.is_dictionary(field.type) else field.type
            if not any(fits(kind) for fits in _kinds(types)):
                raise DmError(
                    _STRUCTURE, f"the column {field.name!r:.60} is {kind}, wanted text, whole numbers, true or false"
                )

    def read(self) -> Iterator[Target]:
        """Yield every target in the order of the file.

        Raises:
            DmError: the file cannot be read any further.
        """
        row = 0
        batches = self._file.iter_batches(batch_size=_ROWS)
        while True:
            try:
                batch = next(batches, None)
                records = None if batch is None else batch.to_pylist()
            except self._errors as error:
                raise DmError(
                    _STRUCTURE, "the Parquet file cannot be read any further", place=f"row {row + 1}"
                ) from error
            if records is None:
                return
            for record in records:
                row += 1
                yield Target(row, row, {name: _text(value) for name, value in record.items() if value is not None})


def _kinds(types: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a module without types
    return types.is_string, types.is_large_string, types.is_integer, types.is_boolean


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
