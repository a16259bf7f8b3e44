"""A database that says nothing."""

import socket
import time

import pytest

from reporting.database import Database, connector
from reporting.errors import DatabaseUnavailable


def test_a_server_that_takes_connections_and_says_nothing_is_lost_after_two_tries() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect = connector(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            name="prensa",
            user="prensa",
            password="of-a-test",
            ca_file=None,
            answer_seconds=0.2,
        )
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            Database(connect).query("SELECT 1")
        assert time.monotonic() - started < 5, "it waited for longer than it was told to"
