"""Waits out a short outage of the database instead of failing the whole delivery."""

import time
from collections.abc import Callable

from reporting.errors import DatabaseUnavailable
from reporting.observability import logger


def wait_for_database[T](work: Callable[[], T], *, seconds: float) -> T:
    """Call ``work`` until it does not raise ``DatabaseUnavailable``, for at most ``seconds``.

    ``work`` must be safe to call again. Raises the last ``DatabaseUnavailable``.
    """
    give_up_at = time.monotonic() + seconds
    pause = 0.2
    while True:
        try:
            return work()
        except DatabaseUnavailable:
            if time.monotonic() + pause > give_up_at:
                raise
            logger.warning("waiting for the database")
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
