"""A question to a PostgreSQL server that need not be waited for: a statement that is a transaction by itself.

It goes there in one message, prepared, and its answer comes in one. What is prepared is known by its number on the
connection (https://www.postgresql.org/docs/current/libpq-async.html).
"""

from __future__ import annotations

import selectors
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import DiagnosticField, ExecStatus

from newsletter.store.postgresql_errors import LOST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from psycopg.pq.abc import PGresult

    from newsletter.store.postgresql import PostgresConnection

_numbers = count()


class Question:
    """One that was asked. Its answer is to be taken, or its connection is lost to others."""

    def __init__(
        self,
        connection: PostgresConnection,
        statement: bytes,
        parameters: Sequence[Any],
        translated: Callable[[], AbstractContextManager[None]],
        give_back: Callable[[PostgresConnection], None],
    ) -> None:
        """Ask it. Raises StoreError."""
        self._connection = connection
        self._socket = connection.raw.pgconn
        self._translated = translated
        self._give_back = give_back
        self._is_lost = False
        try:
            with translated():
                self._ask(statement, parameters)
        except BaseException:
            give_back(connection)
            raise

    def _ask(self, statement: bytes, parameters: Sequence[Any]) -> None:
        prepared = self._connection.prepared
        values = Transformer(self._connection.raw)
        given = values.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        try:
            if statement not in prepared:
                name = b"question_%d" % next(_numbers)
                if not self._is_fine(self._socket.prepare(name, statement)):
                    return
                prepared[statement] = name
            self._socket.send_query_prepared(prepared[statement], given, param_formats=values.formats)
        except psycopg.OperationalError:  # of the library, about the link
            self._is_lost = True

    def fileno(self) -> int:
        """What can be read from once there is news; -1 if it was lost."""
        return -1 if self._is_lost else self._socket.socket

    def is_answered(self) -> bool:
        """Whether the answer is there, or the connection was lost."""
        if not self._is_lost:
            try:
                self._socket.consume_input()
            except psycopg.OperationalError:
                self._is_lost = True
        return self._is_lost or not self._socket.is_busy()

    def answer(self) -> tuple[int, ...] | None:
        """The first row, of whole numbers; waits for it. Raises StoreError.

        None when the connection was lost: then nobody knows whether it was done.
        """
        row = None
        try:
            with self._translated():
                self._wait()
                while not self._is_lost and (result := self._socket.get_result()):
                    if self._is_fine(result):
                        row = tuple(int(result.get_value(0, column) or 0) for column in range(result.nfields))
        finally:
            if self._is_lost:
                self._connection.close()
            self._give_back(self._connection)
        return None if self._is_lost else row

    def _wait(self) -> None:
        if not self.is_answered():
            with selectors.DefaultSelector() as selector:
                selector.register(self.fileno(), selectors.EVENT_READ)
                while not self.is_answered():
                    selector.select()

    def _is_fine(self, result: PGresult) -> bool:
        """Whether it is an answer. Raises what the server says of the statement; the rest is about the link."""
        if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            return True
        # The library's own words have no code; the server's last ones have.
        code = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
        if code and not code.startswith(LOST):
            raise psycopg.errors.error_from_result(result)
        self._is_lost = True
        return False
