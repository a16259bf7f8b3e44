"""No order of steps breaks a report: clients, workers, zombies, relay and dead letters against a model.

The machine runs over the real database. Its model knows the table of states and which claim holds the
report, and says for each step what must come of it.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reporting.cache import NoCache
from reporting.database import Connect, Database
from reporting.dead_letters import DeadLetters
from reporting.discards import Discards
from reporting.dispatch import Dispatcher
from reporting.errors import ForbiddenTransition, LeaseLost, NotDone
from reporting.followups import dead_letter, next_attempt
from reporting.lifecycle import Lifecycle
from reporting.messages import ReportMessage
from reporting.observability import metrics
from reporting.outbox import Outbox
from reporting.recovery import Recovery
from reporting.redrive import NotRedrivable, Outcome, Redrive
from reporting.report import Report
from reporting.repository import Changed, Reports
from reporting.retries import Backoff
from reporting.snapshots import Snapshots
from reporting.states import CLAIMABLE, HELD, TRANSITIONS, Status
from reporting.storage import FoundObject, ObjectSummary, ObjectWriter, PresignedUpload
from reporting.window import Window
from tests.parts.brokers import ConfirmingBroker
from tests.parts.domain import (
    ERROR,
    PARENT,
    QUEUE,
    accept,
    claimed,
    connect,
    database,
    outbox,
    reports,
    retried,
)
from tests.parts.mariadb import mariadb_server

__all__ = ["connect", "database", "mariadb_server", "outbox", "reports"]

ROUNDS = 60
#: Which attempt a message asks for: mostly the next one, else one that was or one that is not due.
_OFFSETS = st.sampled_from([1, 1, 1, 0, -1, 2])


@dataclass
class Shelf:
    """A store that only forgets: what was asked to be deleted."""

    deleted: set[str] = field(default_factory=set)

    def open_writer(self, key: str, *, content_type: str, filename: str) -> ObjectWriter:
        raise AssertionError("nothing is rendered here")

    def put_input(self, key: str, data: bytes) -> None:
        raise AssertionError("nothing is put in here")

    def get_input(self, key: str) -> bytes:
        raise AssertionError("nothing is read here")

    def presign_upload(
        self, key: str, *, content_type: str, least_bytes: int, most_bytes: int, seconds: int
    ) -> PresignedUpload:
        raise AssertionError("nothing is uploaded here")

    def find(self, key: str) -> FoundObject | None:
        raise AssertionError("nothing is looked for here")

    def read_chunks(
        self, key: str, *, etag: str, size_bytes: int, stopped: threading.Event
    ) -> Iterator[bytes]:
        raise AssertionError("nothing is read here")

    def delete(self, key: str) -> None:
        self.deleted.add(key)

    def discard(self, key: str) -> None:
        self.deleted.add(key)

    def exists(self, key: str) -> ObjectSummary | None:
        raise AssertionError("nothing is looked up here")

    def check(self) -> None:
        """It is there."""


class UnsureCache(NoCache):
    """Sometimes it does not answer, and may hold anything then."""

    answers = True

    def invalidate(self, report_id: str, version: int) -> bool:
        return self.answers


class OneReport(RuleBasedStateMachine):
    """The life of one report in the hands of everybody at once."""

    #: Set for each run by the test.
    database: Database

    def __init__(self) -> None:
        super().__init__()
        # No handler writes them out between the runs.
        metrics.clear_metrics()
        for table in ("reports", "attempts", "outbox", "dead_letters", "discarded_objects"):
            self.database.execute(f"DELETE FROM {table}")
        self.reports = Reports(self.database)
        self.cache = UnsureCache()
        snapshots = Snapshots(reports=self.reports, cache=self.cache)
        box = Outbox(self.database)
        self.shelf = Shelf()
        self.relay = Recovery(
            reports=self.reports,
            outbox=box,
            dispatcher=Dispatcher(broker=ConfirmingBroker(), outbox=box),
            snapshots=snapshots,
            store=self.shelf,
            discards=Discards(self.database),
            backoff=Backoff(base_seconds=0.001, cap_seconds=0.001),
            resend_seconds=900,
        )
        self.lifecycle = Lifecycle(
            reports=self.reports,
            dispatcher=Dispatcher(broker=ConfirmingBroker(), outbox=box),
            snapshots=snapshots,
        )
        self.letters = DeadLetters(database=self.database, reports=self.reports, snapshots=snapshots)
        self.redrive = Redrive(
            database=self.database,
            dispatcher=Dispatcher(broker=ConfirmingBroker(), outbox=box),
            snapshots=snapshots,
            tenant_window=Window({}),
        )
        #: Dead letters that were kept, with their bodies.
        self.message_ids: list[tuple[str, str]] = []
        self._begin()

    def _begin(self) -> None:
        self.last = accept(self.reports, max_attempts=2).report
        self.id = self.last.id
        #: Every claim that was ever given out; the holder is the one that may still act.
        self.claims: list[Report] = []
        self.holder: Report | None = None
        self.ended_by: Report | None = None

    # --- the client ---------------------------------------------------------------------------------

    @precondition(lambda self: self.last.status.done)
    @rule()
    def the_client_asks_for_another_report(self) -> None:
        self.database.execute("DELETE FROM reports")
        self.database.execute("DELETE FROM attempts")
        self.claims = []
        self.database.execute("DELETE FROM dead_letters")
        self.message_ids = []
        self._begin()

    @rule()
    def the_client_cancels(self) -> None:
        status = self.last.status
        if status in CLAIMABLE:
            self._becomes(self.reports.cancel(self.id), Status.CANCELLED)
        elif status in HELD:
            self._becomes(self.reports.cancel(self.id), Status.CANCELLING)
        elif status is Status.CANCELLED:
            self._becomes(self.reports.cancel(self.id), Status.CANCELLED)
        else:
            self._refused(ForbiddenTransition, lambda: self.reports.cancel(self.id))

    # --- workers, the present one and those that were thought dead --------------------------------------

    @rule(offset=_OFFSETS)
    def a_message_is_delivered(self, offset: int) -> None:
        attempt = max(1, self.last.attempt + offset)
        wanted = self.last.status in CLAIMABLE and attempt == self.last.attempt + 1
        claim = self.reports.claim(
            self.id, attempt=attempt, object_token=f"{len(self.claims)}", lease_seconds=60
        )
        assert (claim is not None) == wanted
        if claim is not None:
            assert self.holder is None, "two live claims"
            assert claim.fencing_token > max((c.fencing_token for c in self.claims), default=0)
            self.claims.append(claim)
            self.holder = claim

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 9), step=st.sampled_from(["renew", "succeed", "retry", "fail", "stop"]))
    def a_worker_acts(self, which: int, step: str) -> None:
        claim = self.claims[which % len(self.claims)]
        act = self._step(step, claim)
        if self.holder is not claim:
            self._zombie(claim, step, act)
        elif step != "renew" and (self.last.status is Status.CANCELLING) != (step == "stop"):
            self._refused(ForbiddenTransition, act)
        elif step == "renew":
            act()
            now = self.reports.get(self.id)
            assert (now.status, now.version) == (self.last.status, self.last.version + 1)
        else:
            ends = {
                "succeed": Status.SUCCEEDED,
                "retry": Status.RETRYING,
                "fail": Status.FAILED,
                "stop": Status.CANCELLED,
            }
            self._becomes(act(), ends[step])
            self.holder, self.ended_by = None, claim

    def _zombie(self, claim: Report, step: str, act: Callable[[], Any]) -> None:
        """A claim that does not hold changes nothing; the step that ended it may be asked for again."""
        before = self.reports.get(self.id)
        try:
            changed = act()
        except (LeaseLost, ForbiddenTransition):
            pass
        else:
            assert claim.fencing_token == before.fencing_token, f"a stale token could {step}"
            assert isinstance(changed, Changed)
            assert changed == Changed(report=before, outgoing=[])
        assert self.reports.get(self.id) == before

    def _step(self, step: str, claim: Report) -> Callable[[], Any]:
        token = claim.fencing_token
        message = next_attempt(claim, delay_seconds=0)
        return {
            "renew": lambda: self.reports.renew(
                claim, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None
            ),
            "succeed": lambda: self.reports.succeed(claim, result={"by": token}, row_count=1, keep_days=1),
            "retry": lambda: self.reports.retry(
                self.id, fencing_token=token, error=ERROR, delay_seconds=0, message=message
            ),
            "fail": lambda: self.reports.fail(
                self.id, error=ERROR, fencing_token=token, outgoing=[dead_letter(claim)]
            ),
            "stop": lambda: self.reports.stop(self.id, fencing_token=token),
        }[step]

    # --- relay and dead letters -------------------------------------------------------------------------

    @precondition(lambda self: self.holder is not None)
    @rule()
    def the_lease_runs_out_and_the_relay_comes(self) -> None:
        self.database.execute("UPDATE reports SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
        assert self.relay.run(seconds_left=30).leases == 1
        if self.last.status is Status.CANCELLING:
            expected = Status.CANCELLED
        else:
            expected = Status.RETRYING if self.last.attempt < self.last.max_attempts else Status.FAILED
        now = self.reports.get(self.id)
        assert now.status is expected
        assert self.holder is not None
        assert self.holder.object_key in self.shelf.deleted
        self.holder = None

    @rule()
    def the_relay_comes(self) -> None:
        before = self.reports.get(self.id)
        self.relay.run(seconds_left=30)
        assert self.reports.get(self.id) == before

    @rule(cached=st.booleans())
    def its_owner_deletes_it(self, cached: bool) -> None:
        self.cache.answers = cached
        if not self.last.status.done:
            self._refused(NotDone, lambda: self.lifecycle.delete(self.id, tenant="acme"))
            return
        expired = cached or self.last.status is Status.EXPIRED
        answer = self.lifecycle.delete(self.id, tenant="acme").status
        assert answer["status"] == (Status.EXPIRED if expired else self.last.status)
        assert answer["expires_at"] is not None

    @precondition(lambda self: self.last.expires_at is not None and self.last.status is not Status.EXPIRED)
    @precondition(lambda self: self.last.status.done)
    @rule()
    def its_time_is_over_and_the_relay_comes(self) -> None:
        self.database.execute("UPDATE reports SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
        assert self.relay.run(seconds_left=30).expired == 1
        assert self.reports.get(self.id).status is Status.EXPIRED

    @rule(offset=_OFFSETS)
    def a_message_becomes_a_dead_letter(self, offset: int) -> None:
        attempt = max(1, self.last.attempt + offset)
        wanted = self.last.status in CLAIMABLE and attempt == self.last.attempt + 1
        body = ReportMessage(report_id=self.id, attempt=attempt, traceparent=PARENT).to_json()
        message_id = f"ID:{len(self.message_ids)}"
        # A copy of a letter that was not sent again is the same letter, whatever id the broker gave it.
        is_copy = self.database.query(
            "SELECT 1 FROM dead_letters WHERE body = %s AND redriven_at IS NULL", (body,)
        )
        self.letters.take(message_id=message_id, queue=f"DLQ.{QUEUE}", body=body)
        if not is_copy:
            self.message_ids.append((message_id, body))
        now = self.reports.get(self.id)
        if wanted:
            assert (now.status, now.version) == (Status.FAILED, self.last.version + 1)
        else:
            assert now == self.last

    @precondition(lambda self: self.message_ids)
    @rule(which=st.integers(0, 9))
    def a_dead_letter_that_is_known_is_delivered_again(self, which: int) -> None:
        message_id, body = self.message_ids[which % len(self.message_ids)]
        [[redriven]] = self.database.query(
            "SELECT redriven_at IS NOT NULL FROM dead_letters WHERE message_id = %s", (message_id,)
        )
        message = ReportMessage.from_json(body)
        wanted = not redriven and self.last.status in CLAIMABLE and message.attempt == self.last.attempt + 1
        self.letters.take(message_id=message_id, queue=f"DLQ.{QUEUE}", body=body)
        now = self.reports.get(self.id)
        assert now.status is Status.FAILED if wanted else now == self.last

    @precondition(lambda self: self.message_ids)
    @rule(which=st.integers(0, 9))
    def an_operator_redrives(self, which: int) -> None:
        rows: Any = self.database.query("SELECT id, redriven_at IS NOT NULL FROM dead_letters ORDER BY id")
        letter, before = rows[which % len(rows)]
        if before:
            assert self.redrive.redrive([letter])[0].outcome is Outcome.ALREADY_REDRIVEN
            assert self.reports.get(self.id) == self.last
        elif self.last.status is Status.FAILED:
            assert self.redrive.redrive([letter])[0].outcome is Outcome.REDRIVEN
            now = self.reports.get(self.id)
            assert (now.status, now.attempt, now.error) == (Status.QUEUED, 0, None)
            assert now.fencing_token > self.last.fencing_token
        else:
            self._refused(NotRedrivable, lambda: self.redrive.redrive([letter]))

    # --- what holds after each step -----------------------------------------------------------------------

    @invariant()
    def each_change_is_one_allowed_step_and_a_higher_version(self) -> None:
        now = self.reports.get(self.id)
        if replace(now, expires_at=self.last.expires_at) == self.last:
            # When an ended report expires may come nearer.
            self.last = now
            return
        assert now.version > self.last.version, "a change without a version"
        assert now.fencing_token >= self.last.fencing_token
        if now.status is not self.last.status:
            steps = {(source, target) for (source, _), target in TRANSITIONS.items()}
            assert (self.last.status, now.status) in steps
        self.last = now

    @invariant()
    def the_row_says_what_its_status_means(self) -> None:
        now = self.last
        assert (now.lease_until is not None) == (now.status in HELD)
        assert (self.holder is not None) == (now.status in HELD)
        assert (now.finished_at is not None) == now.status.done
        assert (now.result is not None) == (now.status is Status.SUCCEEDED)
        if now.status is Status.SUCCEEDED:
            assert self.ended_by is not None
            assert (now.result, now.object_key) == (
                {"by": self.ended_by.fencing_token},
                self.ended_by.object_key,
            )
        if now.status in CLAIMABLE or now.status in (Status.FAILED, Status.CANCELLED):
            assert now.object_key is None

    @invariant()
    def each_claim_is_an_attempt_and_only_the_holder_s_goes_on(self) -> None:
        rows = self.database.query("SELECT fencing_token, finished_at IS NULL FROM attempts")
        holder = self.holder and self.holder.fencing_token
        assert sorted(rows) == [(c.fencing_token, c.fencing_token == holder) for c in self.claims]

    @invariant()
    def what_nobody_is_to_have_is_deleted_or_going_to_be(self) -> None:
        kept = {self.last.object_key} if self.last.status in HELD | {Status.SUCCEEDED} else set()
        noted = {key for [key] in self.database.query("SELECT object_key FROM discarded_objects")}
        assert not kept & (noted | self.shelf.deleted)
        assert {claim.object_key for claim in self.claims} - kept <= noted | self.shelf.deleted

    def _becomes(self, changed: Changed, status: Status) -> None:
        assert changed.report.status is status
        assert changed.report.version > self.last.version

    def _refused(self, error: type[Exception], act: Callable[[], object]) -> None:
        with pytest.raises(error):
            act()
        assert self.reports.get(self.id) == self.last


def test_no_order_of_steps_breaks_a_report(database: Database) -> None:
    machine = type("OneReport", (OneReport,), {"database": database})
    run_state_machine_as_test(machine, settings=settings(max_examples=80, stateful_step_count=25))


def both(connect: Connect, *acts: Callable[[Reports], object]) -> list[object]:
    """Do ``acts`` at the same moment, each on a connection of its own; their values or errors."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[Reports], object]) -> object:
        own = Database(connect)
        try:
            Reports(own).check()
            start.wait(timeout=30)
            return act(Reports(own))
        except (LeaseLost, ForbiddenTransition) as error:
            return error
        finally:
            own.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_c11_of_a_cancel_and_a_success_at_once_exactly_one_wins(reports: Reports, connect: Connect) -> None:
    seen = set()
    for _ in range(ROUNDS):
        claim = claimed(reports)
        cancelled, succeeded = both(
            connect,
            lambda own, claim=claim: own.cancel(claim.id),  # type: ignore[misc]
            lambda own, claim=claim: own.succeed(claim, result={}, row_count=1, keep_days=1),  # type: ignore[misc]
        )
        after = reports.get(claim.id)
        seen.add(after.status)
        if after.status is Status.SUCCEEDED:
            assert isinstance(succeeded, Changed)
            assert isinstance(cancelled, ForbiddenTransition)
            assert cancelled.status == "succeeded"
        else:
            assert after.status is Status.CANCELLING
            assert isinstance(cancelled, Changed)
            assert isinstance(succeeded, ForbiddenTransition)
            assert reports.stop(claim.id, fencing_token=claim.fencing_token).report.result is None
    assert seen <= {Status.SUCCEEDED, Status.CANCELLING}


def test_c10_of_a_success_and_a_lost_lease_at_once_exactly_one_wins(
    reports: Reports, connect: Connect
) -> None:
    for _ in range(ROUNDS):
        claim = claimed(reports)
        success, retry = both(
            connect,
            lambda own, claim=claim: own.succeed(claim, result={}, row_count=1, keep_days=1),  # type: ignore[misc]
            lambda own, claim=claim: retried(own, claim),  # type: ignore[misc]
        )
        winner, loser = (
            (success, retry) if reports.get(claim.id).status is Status.SUCCEEDED else (retry, success)
        )
        assert isinstance(winner, Changed)
        assert isinstance(loser, LeaseLost)


def test_c10_a_zombie_whose_report_waits_for_its_next_attempt_can_not_fail_it(reports: Reports) -> None:
    claim = claimed(reports)
    retried(reports, claim)
    with pytest.raises(LeaseLost):
        reports.fail(claim.id, error=ERROR, fencing_token=claim.fencing_token)
    assert reports.get(claim.id).status is Status.RETRYING


def test_c09_of_a_claim_and_a_cancel_at_once_the_report_is_never_made_after_all(
    reports: Reports, connect: Connect
) -> None:
    for _ in range(ROUNDS):
        report = accept(reports).report
        claim, cancelled = both(
            connect,
            lambda own, report=report: own.claim(  # type: ignore[misc]
                report.id, attempt=1, object_token="t", lease_seconds=60
            ),
            lambda own, report=report: own.cancel(report.id),  # type: ignore[misc]
        )
        assert isinstance(cancelled, Changed)
        after = reports.get(report.id).status
        assert after is (Status.CANCELLED if claim is None else Status.CANCELLING)


def test_c11_two_cancels_at_once_agree(reports: Reports, connect: Connect) -> None:
    for _ in range(ROUNDS // 2):
        report = accept(reports).report
        answers = both(connect, *[lambda own, report=report: own.cancel(report.id)] * 2)
        assert all(isinstance(answer, Changed) for answer in answers)
        assert reports.get(report.id).status is Status.CANCELLED
