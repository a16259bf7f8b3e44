"""A report's life against a small model, with actors that come at any time, on the real database."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from reporting.database import Database
from reporting.errors import ForbiddenTransition, LeaseLost
from reporting.followups import next_attempt
from reporting.report import Report
from reporting.repository import Reports
from reporting.states import CLAIMABLE, DONE, HELD, Status
from tests.parts.domain import accept, connect, database
from tests.parts.mariadb import mariadb_server

__all__ = ["connect", "database", "mariadb_server"]

_ERROR = {"code": "x", "title": "x", "detail": "x", "retryable": True}


@dataclass
class Model:
    """What must hold of one report. ``token`` is that of the only claim that may still change it."""

    status: Status = Status.QUEUED
    attempt: int = 0
    token: int = 0
    version: int = 1


def machine(reports: Reports) -> type[RuleBasedStateMachine]:
    class Lives(RuleBasedStateMachine):
        """Clients cancel, workers claim and end, relays take up lost leases: in every order."""

        claims = Bundle("claims")

        @initialize()
        def accepted(self) -> None:
            self.report = accept(reports, max_attempts=3).report
            self.model = Model()

        def now(self) -> Report:
            return reports.get(self.report.id)

        @rule(target=claims, attempt=st.integers(1, 4))
        def claim(self, attempt: int) -> Any:
            claim = reports.claim(self.report.id, attempt=attempt, object_token="t", lease_seconds=60)
            allowed = self.model.status in CLAIMABLE and attempt == self.model.attempt + 1
            assert (claim is not None) == allowed
            if claim is None:
                return None
            self.model.status, self.model.attempt = Status.RUNNING, attempt
            self.model.token += 1
            assert claim.fencing_token == self.model.token
            return claim

        def live(self, claim: Report | None) -> bool:
            return claim is not None and claim.fencing_token == self.model.token and self.model.status in HELD

        @rule(claim=claims)
        def renew(self, claim: Report | None) -> None:
            if claim is None:
                return
            try:
                reports.renew(claim, lease_seconds=60, phase="rendering", rows_done=1, rows_total=None)
            except LeaseLost:
                assert not self.live(claim)
            else:
                assert self.live(claim)

        @rule(claim=claims)
        def succeed(self, claim: Report | None) -> None:
            if claim is None:
                return
            held, status = self.live(claim), self.model.status
            before = self.now().version
            try:
                reports.succeed(claim, result={"x": 1}, row_count=1, keep_days=1)
            except LeaseLost:
                assert claim.fencing_token != self.model.token
            except ForbiddenTransition:
                assert claim.fencing_token == self.model.token
                assert status is not Status.RUNNING
            else:
                assert held or (status is Status.SUCCEEDED and self.now().version == before)
                self.model.status = Status.SUCCEEDED

        @rule(claim=claims)
        def retry(self, claim: Report | None) -> None:
            if claim is None:
                return
            status = self.model.status
            try:
                reports.retry(
                    claim.id, fencing_token=claim.fencing_token, error=_ERROR, delay_seconds=0,
                    message=next_attempt(claim, delay_seconds=0),
                )  # fmt: skip
            except (LeaseLost, ForbiddenTransition):
                assert not (self.live(claim) and status is Status.RUNNING)
            else:
                assert claim.fencing_token == self.model.token
                assert status in (Status.RUNNING, Status.RETRYING)
                self.model.status = Status.RETRYING

        @rule(claim=consumes(claims))
        def fail(self, claim: Report | None) -> None:
            if claim is None:
                return
            status = self.model.status
            try:
                reports.fail(claim.id, error=_ERROR, fencing_token=claim.fencing_token)
            except (LeaseLost, ForbiddenTransition):
                assert not (self.live(claim) and status is Status.RUNNING)
            else:
                assert claim.fencing_token == self.model.token
                assert status in (Status.RUNNING, Status.RETRYING, Status.FAILED)
                self.model.status = Status.FAILED

        @rule(claim=claims)
        def stop(self, claim: Report | None) -> None:
            if claim is None:
                return
            status = self.model.status
            try:
                reports.stop(claim.id, fencing_token=claim.fencing_token)
            except (LeaseLost, ForbiddenTransition):
                assert not (claim.fencing_token == self.model.token and status is Status.CANCELLING)
            else:
                assert status in (Status.CANCELLING, Status.CANCELLED)
                self.model.status = Status.CANCELLED

        @rule()
        def cancel(self) -> None:
            status = self.model.status
            try:
                after = reports.cancel(self.report.id).report.status
            except ForbiddenTransition:
                assert status in (Status.SUCCEEDED, Status.FAILED, Status.EXPIRED)
                return
            expected = {
                Status.QUEUED: Status.CANCELLED,
                Status.RETRYING: Status.CANCELLED,
                Status.RUNNING: Status.CANCELLING,
                Status.CANCELLING: Status.CANCELLING,
                Status.CANCELLED: Status.CANCELLED,
            }[status]
            assert after is expected
            self.model.status = expected

        @rule()
        def fail_as_a_dead_letter(self) -> None:
            status = self.model.status
            try:
                reports.fail(self.report.id, error=_ERROR)
            except ForbiddenTransition:
                assert status in DONE | {Status.CANCELLING}
            else:
                assert status not in DONE
                self.model.status = Status.FAILED

        @rule()
        def expire(self) -> None:
            status = self.model.status
            try:
                reports.expire(self.report.id)
            except ForbiddenTransition:
                assert status is not Status.SUCCEEDED
            else:
                assert status is Status.SUCCEEDED
                self.model.status = Status.EXPIRED

        @invariant()
        def the_database_says_what_the_model_says(self) -> None:
            if not hasattr(self, "model"):
                return
            report = self.now()
            assert (report.status, report.attempt, report.fencing_token) == (
                self.model.status, self.model.attempt, self.model.token,
            )  # fmt: skip
            assert report.version >= self.model.version
            self.model.version = report.version
            assert (report.result is not None) == (report.status is Status.SUCCEEDED)
            assert (report.finished_at is not None) == (report.status in DONE)
            if report.status in DONE - {Status.SUCCEEDED}:
                assert report.object_key is None

    return Lives


@pytest.mark.timeout(300)
def test_no_order_of_events_leads_anywhere_but_where_the_model_says(database: Database) -> None:
    run_state_machine_as_test(
        machine(Reports(database)),
        settings=settings(
            max_examples=120, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
