"""The life of a report as one pure table: which event leads from which status to which.

    queued -> running -> succeeded -> expired (its time is over, or its owner deletes it;
      |        |  |  ^               so do failed and cancelled, when they are deleted)
      |        |  |  +--- retrying (a transient error, or a lease that ran out)
      |        |  +-----> failed -> queued (an operator redrives it)
      |        +--------> cancelling -> cancelled
      +-----------------> cancelled

Nothing else may happen, and ``succeeded``, ``failed``, ``cancelled`` never turn into one another.
"""

from enum import StrEnum
from types import MappingProxyType

from reporting.errors import ForbiddenTransition


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def done(self) -> bool:
        """True once the status can no longer change what a client waits for."""
        return self in DONE


class Event(StrEnum):
    """What can happen to a report."""

    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    FAIL = "fail"
    CANCEL = "cancel"
    STOP = "stop"
    EXPIRE = "expire"
    REDRIVE = "redrive"


DONE = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
#: Statuses in which a worker holds a lease.
HELD = frozenset({Status.RUNNING, Status.CANCELLING})
#: Statuses that a message may take up.
CLAIMABLE = frozenset({Status.QUEUED, Status.RETRYING})

TRANSITIONS: MappingProxyType[tuple[Status, Event], Status] = MappingProxyType(
    {
        (Status.QUEUED, Event.CLAIM): Status.RUNNING,
        (Status.RETRYING, Event.CLAIM): Status.RUNNING,
        (Status.RUNNING, Event.SUCCEED): Status.SUCCEEDED,
        (Status.RUNNING, Event.RETRY): Status.RETRYING,
        (Status.RUNNING, Event.FAIL): Status.FAILED,
        # A message that no worker could even claim comes back as a dead letter.
        (Status.QUEUED, Event.FAIL): Status.FAILED,
        (Status.RETRYING, Event.FAIL): Status.FAILED,
        (Status.QUEUED, Event.CANCEL): Status.CANCELLED,
        (Status.RETRYING, Event.CANCEL): Status.CANCELLED,
        (Status.RUNNING, Event.CANCEL): Status.CANCELLING,
        # A second cancel changes nothing and is no error.
        (Status.CANCELLING, Event.CANCEL): Status.CANCELLING,
        (Status.CANCELLED, Event.CANCEL): Status.CANCELLED,
        (Status.CANCELLING, Event.STOP): Status.CANCELLED,
        (Status.SUCCEEDED, Event.EXPIRE): Status.EXPIRED,
        (Status.FAILED, Event.EXPIRE): Status.EXPIRED,
        (Status.CANCELLED, Event.EXPIRE): Status.EXPIRED,
        # An operator sends a dead letter again.
        (Status.FAILED, Event.REDRIVE): Status.QUEUED,
    }
)


def next_status(status: Status, event: Event) -> Status:
    """The status that ``event`` leads to. Raises :class:`ForbiddenTransition` when there is none."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        allowed = sorted(source.value for source, known in TRANSITIONS if known is event)
        raise ForbiddenTransition(status=status.value, event=event.value, allowed=allowed) from None
