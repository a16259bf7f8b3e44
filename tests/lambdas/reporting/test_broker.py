"""The broker adapter against a real ActiveMQ, and against servers that misbehave."""

import inspect
import json
import math
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reporting.broker import (
    MAX_BODY_BYTES,
    PIPELINE_WINDOW,
    BrokerUnavailable,
    Credentials,
    Delivery,
    Endpoint,
    OutgoingMessage,
    PublishFailed,
    StompBroker,
    parse_endpoints,
)
from reporting.secrets import SecretsUnavailable
from tests.parts.activemq import PASSWORD, USERNAME, ActiveMq
from tests.parts.certificates import Certificate, CertificateAuthority, self_signed
from tests.parts.processes import eventually, once_below
from tests.parts.stomp_consumer import receive
from tests.parts.stomp_server import Frame, Hangup, Script, Session, StompServer, confirming

type Serve = Callable[[Script], AbstractContextManager[StompServer]]


def message(
    body: str = "{}", *, queue: str = "open.reports", priority: int = 4, delay_ms: int = 0
) -> OutgoingMessage:
    return OutgoingMessage(
        queue=queue, body=body, priority=priority, delay_ms=delay_ms, correlation_id=str(uuid4())
    )


def queue_name() -> str:
    return f"open.{uuid4()}"


def patient(activemq: ActiveMq, *, ca_file: str, **changes: Any) -> StompBroker:
    """An adapter for the real broker, which a busy machine holds up for longer than the usual times."""
    usual: dict[str, Any] = {
        "username": USERNAME,
        "password": PASSWORD,
        "connect_timeout": 60.0,
        "receipt_timeout": 60.0,
    }
    endpoints = [Endpoint(activemq.host, activemq.port)]
    return StompBroker(endpoints=endpoints, ca_file=ca_file, **(usual | changes))


@pytest.fixture
def broker(activemq: ActiveMq, ca_file: str) -> Iterator[StompBroker]:
    adapter = patient(activemq, ca_file=ca_file)
    yield adapter
    adapter.close()


@pytest.fixture(scope="module")
def certificate(authority: CertificateAuthority) -> Certificate:
    return authority.issue("localhost", "127.0.0.1")


@pytest.fixture
def serve(tmp_path: Path, certificate: Certificate) -> Serve:
    def start(script: Script) -> StompServer:
        return StompServer(script, certificate=certificate, folder=tmp_path)

    return start


@pytest.fixture
def connect(ca_file: str) -> Iterator[Callable[..., StompBroker]]:
    """Makes adapters for servers of a test and closes them at the end.

    They wait long enough for a busy machine; the tests of time-outs set their own.
    """
    adapters: list[StompBroker] = []

    def start(
        *ports: int,
        host: str = "127.0.0.1",
        tls: bool = True,
        connect_timeout: float = 60.0,
        receipt_timeout: float = 60.0,
        **others: Any,
    ) -> StompBroker:
        adapters.append(
            StompBroker(
                endpoints=[Endpoint(host, port, tls) for port in ports],
                username="app",
                password="secret",
                ca_file=ca_file,
                connect_timeout=connect_timeout,
                receipt_timeout=receipt_timeout,
                **others,
            )
        )
        return adapters[-1]

    yield start
    for adapter in adapters:
        adapter.close()


class TestOnARealBroker:
    def test_a_published_message_arrives_as_text_with_its_priority_and_correlation_id(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        # Case D03, the producer's half.
        queue = queue_name()
        body = json.dumps({"report_id": "7d0c", "title": "Relatório 😀"}, ensure_ascii=False)
        outgoing = message(body, queue=queue, priority=8)

        broker.publish(outgoing)

        [received] = receive(activemq, queue, ca_file=ca_file, count=1)
        assert received.body == body
        assert received.headers["priority"] == "8"
        assert received.headers["correlation-id"] == outgoing.correlation_id
        assert "content-length" not in received.headers, "a bytes message"

    def test_a_confirmed_message_survives_a_crash_of_the_broker(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        # Case D01.
        queue = queue_name()
        broker.publish(message('{"n": 1}', queue=queue))

        activemq.kill()
        activemq.start()

        assert [m.body for m in receive(activemq, queue, ca_file=ca_file, count=1)] == ['{"n": 1}']

    def test_d04_a_body_with_nul_is_refused_and_takes_no_other_message_with_it(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        queue = queue_name()
        broker.publish(message("1", queue=queue))
        with pytest.raises(ValueError, match="NUL"):
            broker.publish(message("a\0b", queue=queue))
        broker.publish(message(json.dumps({"title": "a\0b"}), queue=queue))
        broker.publish(message("3", queue=queue))
        bodies = [m.body for m in receive(activemq, queue, ca_file=ca_file, count=3)]
        assert bodies == ["1", '{"title": "a\\u0000b"}', "3"]

    def test_publishing_goes_on_after_the_broker_has_restarted(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        queue = queue_name()
        broker.publish(message("1", queue=queue))
        activemq.kill()
        activemq.start()

        broker.publish(message("2", queue=queue))

        assert [m.body for m in receive(activemq, queue, ca_file=ca_file, count=2)] == ["1", "2"]

    def test_a_delayed_message_is_held_back(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        queue = queue_name()
        started = time.monotonic()
        # Together: the broker has the second one long before the first is due.
        late, now = message("late", queue=queue, delay_ms=2000), message("now", queue=queue)
        assert broker.publish_many([late, now]) == [None, None]

        received = receive(activemq, queue, ca_file=ca_file, count=2)

        assert [m.body for m in received] == ["now", "late"]
        assert time.monotonic() - started >= 2

    def test_many_messages_are_confirmed_one_by_one_and_arrive_in_order(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        queue = queue_name()
        bodies = [str(n) for n in range(PIPELINE_WINDOW * 2 + 1)]

        assert broker.publish_many([message(body, queue=queue) for body in bodies]) == [None] * len(bodies)

        received = receive(activemq, queue, ca_file=ca_file, count=len(bodies))
        assert [m.body for m in received] == bodies

    def test_no_message_is_no_work(self, broker: StompBroker) -> None:
        assert broker.publish_many([]) == []

    def test_a_message_that_the_broker_refuses_does_not_take_the_others_with_it(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        queue = queue_name()

        first, refused, last = broker.publish_many(
            [message("1", queue=queue), message("2", queue="closed"), message("3", queue=queue)]
        )

        assert (first, last) == (None, None)
        assert refused is not None
        assert refused.delivery is Delivery.REFUSED
        assert "not authorized" in refused.reason
        found: set[str] = set()

        def both_came() -> bool:
            # The first one comes twice when its receipt was lost with the connection.
            found.update(m.body for m in receive(activemq, queue, ca_file=ca_file, count=1))
            return found == {"1", "3"}

        eventually(both_came, what="the other messages")

    def test_threads_share_one_connection_and_lose_nothing(
        self, broker: StompBroker, activemq: ActiveMq, ca_file: str
    ) -> None:
        queue = queue_name()
        bodies = [str(n) for n in range(80)]

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda body: broker.publish(message(body, queue=queue)), bodies))

        eventually(lambda: activemq.connections() == 1, what="one connection, and the end of earlier ones")
        received = receive(activemq, queue, ca_file=ca_file, count=len(bodies))
        assert sorted(m.body for m in received) == sorted(bodies)

    def test_a_wrong_password_is_refused_and_named_as_such(self, activemq: ActiveMq, ca_file: str) -> None:
        broker = patient(activemq, ca_file=ca_file, password="wrong-password")
        with pytest.raises(PublishFailed) as failure:
            broker.publish(message())
        assert failure.value.delivery is Delivery.REFUSED
        # A reset by the broker may overtake its ERROR frame.
        assert re.search("refused the login|ended before the login was answered", failure.value.reason)
        assert "wrong-password" not in failure.value.reason

    def test_a_rotated_password_is_fetched_again(self, activemq: ActiveMq, ca_file: str) -> None:
        broker = patient(
            activemq,
            ca_file=ca_file,
            password="the-one-before",
            refresh_credentials=lambda: Credentials(USERNAME, PASSWORD),
        )
        broker.publish(message(queue=queue_name()))
        broker.close()

    def test_new_credentials_that_can_not_be_read_are_a_failed_publish(
        self, activemq: ActiveMq, ca_file: str
    ) -> None:
        def unreadable() -> Credentials:
            raise SecretsUnavailable("The store of secrets did not answer.")

        broker = patient(activemq, ca_file=ca_file, password="the-one-before", refresh_credentials=unreadable)
        [failure] = broker.publish_many([message()])
        assert failure is not None
        assert "no new credentials" in failure.reason

    def test_a_file_of_certificates_that_is_not_there_is_a_failed_publish(self, activemq: ActiveMq) -> None:
        broker = patient(activemq, ca_file="/no/such/file.pem")
        [failure] = broker.publish_many([message()])
        assert failure is not None
        assert failure.delivery is Delivery.REFUSED

    def test_the_check_makes_a_round_trip(self, broker: StompBroker, activemq: ActiveMq) -> None:
        broker.check()
        activemq.kill()
        try:
            with pytest.raises(BrokerUnavailable):
                broker.check()
        finally:
            activemq.start()
        broker.check()

    def test_closing_leaves_no_connection_and_no_thread(
        self, broker: StompBroker, activemq: ActiveMq
    ) -> None:
        # By name and not by number: threads of earlier tests may end meanwhile.
        before = set(threading.enumerate())
        broker.publish(message(queue=queue_name()))
        eventually(lambda: activemq.connections() == 1, what="one connection, and the end of earlier ones")

        broker.close()

        assert set(threading.enumerate()) <= before
        eventually(lambda: activemq.connections() == 0, what="the end of the connection")

    def test_a_connection_whose_process_was_frozen_is_found_out_and_replaced(
        self, activemq: ActiveMq, ca_file: str
    ) -> None:
        """The broker goes away while the process stands still, as a Lambda environment does (case D07)."""
        queue = queue_name()
        with subprocess.Popen(
            [sys.executable, "-c", _FREEZABLE, str(activemq.port), ca_file, queue],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None

            def publish(body: str) -> str:
                print(body, file=process.stdin, flush=True)
                return process.stdout.readline().strip()  # type: ignore[union-attr]

            assert publish("1") == "confirmed, 1 loops"
            process.send_signal(signal.SIGSTOP)
            activemq.kill()
            activemq.start()
            process.send_signal(signal.SIGCONT)
            assert publish("2") == "confirmed, 1 loops"
            eventually(lambda: activemq.connections() == 1, what="no connection but the new one")
            process.stdin.close()
        assert [m.body for m in receive(activemq, queue, ca_file=ca_file, count=2)] == ["1", "2"]


_FREEZABLE = """
import sys, threading
from reporting.broker import Endpoint, OutgoingMessage, StompBroker
from reporting.secrets import SecretsUnavailable
from tests.parts.activemq import PASSWORD, USERNAME
_, port, ca_file, queue = sys.argv
broker = StompBroker(
    endpoints=[Endpoint("127.0.0.1", int(port))], username=USERNAME, password=PASSWORD, ca_file=ca_file,
    connect_timeout=60.0, receipt_timeout=60.0,
)
for line in sys.stdin:
    broker.publish(OutgoingMessage(queue=queue, body=line.strip(), correlation_id="a"))
    print(f"confirmed, {threading.active_count() - 1} loops", flush=True)
"""


class TestWithServersThatMisbehave:
    def test_every_send_asks_for_persistence_and_a_receipt(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        # Case D01, and D02: these are all the headers, and none holds text of a user.
        with serve(confirming) as server:
            connect(server.port).publish(message("a", priority=8, delay_ms=1500))
            [sent] = server.frames
            [login] = [frame for frame in server.sessions[0].frames if frame.command == "STOMP"]
        assert sent.command == "SEND"
        lines = sent.raw.split(b"\n\n")[0].decode().split("\n")[1:]
        assert len(lines) == len(sent.headers), "each header is there once"
        assert sent.headers.pop("receipt")
        assert sent.headers.pop("correlation-id")
        assert sent.headers == {
            "destination": "/queue/open.reports",
            "persistent": "true",
            "priority": "8",
            "AMQ_SCHEDULED_DELAY": "1500",
        }
        assert "heart-beat" not in login.headers, "none is the default of STOMP 1.2"
        assert login.headers["accept-version"] == "1.2"

    def test_a_receipt_that_never_comes_is_an_unknown_outcome_in_time(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        # Case D06, like the two tests after it.
        def publish() -> float:
            with serve(_login_only) as server:
                failure, seconds = _failure(connect(server.port, receipt_timeout=0.3))
                assert failure.delivery is Delivery.UNKNOWN
                eventually(lambda: len(server.frames) == 2, what="one send and one resend")
                assert len(server.sessions) == 2, "one connection and one reconnect"
                assert {frame.body for frame in server.frames} == {"{}"}
            return seconds

        once_below(2, publish)

    def test_after_a_failure_few_publishes_wait_for_long_and_none_of_them_twice(
        self, connect: Callable[..., StompBroker], tmp_path: Path
    ) -> None:
        answers = threading.Event()

        def script(session: Session, frame: Frame) -> None:
            (confirming if answers.is_set() else _login_only)(session, frame)

        # Without TLS a connection is one for the server too, however short the time of its client is.
        with StompServer(script, folder=tmp_path) as server:
            broker = connect(
                server.port, tls=False, receipt_timeout=1.0, hurry_seconds=600, hurried_timeout=0.05
            )
            _, usual = _failure(broker)
            eventually(lambda: len(server.sessions) == 2, what="two tries")
            hurried = [_failure(broker)[1] for _ in range(4)]
            eventually(lambda: len(server.sessions) == 6, what="one try of each")
            assert min(hurried) < usual / 3
            answers.set()

            def published() -> bool:
                [failure] = broker.publish_many([message("at once when the broker answers again")])
                return failure is None

            eventually(published, what="an answer within the short time")

    def test_a_hurry_ends_though_its_publishes_fail(
        self, connect: Callable[..., StompBroker], tmp_path: Path
    ) -> None:
        tries: list[int] = []
        with StompServer(_login_only, folder=tmp_path) as server:
            broker = connect(
                server.port, tls=False, receipt_timeout=0.1, hurry_seconds=0.5, hurried_timeout=0.05
            )

            def hurried_and_over() -> bool:
                before = len(server.sessions)
                _failure(broker)
                eventually(lambda: len(server.sessions) > before, what="a try")
                tries.append(len(server.sessions) - before)
                # A machine that stands still for as long as the hurry lasts sees none of it.
                return 1 in tries and tries[-1] == 2

            eventually(hurried_and_over, what="short tries, and the usual ones after them")
        assert tries[0] == 2

    def test_a_receipt_for_another_message_confirms_nothing(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        def script(session: Session, frame: Frame) -> None:
            if frame.command == "SEND":
                session.answer("RECEIPT", receipt_id="r999")
            else:
                confirming(session, frame)

        def publish() -> float:
            with serve(script) as server:
                failure, seconds = _failure(connect(server.port, receipt_timeout=0.3))
            assert failure.delivery is Delivery.UNKNOWN
            return seconds

        once_below(2, publish)

    @pytest.mark.parametrize("between", ["\n", "\n\n", "\r\n\r\n", "\n\n\n\r\n"])
    @pytest.mark.parametrize("apart", [True, False], ids=["come-alone", "come-with-the-frame"])
    def test_line_ends_between_frames_are_passed_over(
        self, serve: Serve, connect: Callable[..., StompBroker], between: str, apart: bool
    ) -> None:
        """STOMP 1.2 allows any number of them behind a frame, and a read may begin with them."""

        def script(session: Session, frame: Frame) -> None:
            command, headers = (
                ("CONNECTED", "version:1.2")
                if frame.command in {"STOMP", "CONNECT"}
                else ("RECEIPT", f"receipt-id:{frame.headers['receipt']}")
            )
            for piece in (between, f"{command}\n{headers}\n\n\0"):
                if apart or piece != between:
                    session.connection.sendall(f"{'' if apart else between}{piece}".encode())

        with serve(script) as server:
            broker = connect(server.port)
            for body in "123":
                broker.publish(message(body))
            assert [frame.body for frame in server.frames] == ["1", "2", "3"], "each is sent once"

    def test_a_connection_that_drops_while_waiting_is_noticed_at_once(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        with serve(_drop_on_send) as server:
            failure, seconds = _failure(connect(server.port))
            assert len(server.frames) == 2
        assert failure.delivery is Delivery.UNKNOWN
        assert seconds < 60, "the time for a receipt"

    def test_a_message_is_sent_again_when_the_first_connection_drops(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        def script(session: Session, frame: Frame) -> None:
            if frame.command == "SEND" and session.number == 0:
                raise Hangup
            confirming(session, frame)

        with serve(script) as server:
            connect(server.port).publish(message("again"))
            assert [frame.body for frame in server.frames] == ["again", "again"]

    def test_only_unconfirmed_messages_are_sent_again(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        def script(session: Session, frame: Frame) -> None:
            if frame.body == "2" and session.number == 0:
                raise Hangup
            confirming(session, frame)

        with serve(script) as server:
            outcomes = connect(server.port).publish_many([message(body) for body in "123"])
            assert outcomes == [None, None, None]
            assert [frame.body for frame in server.sessions[1].frames if frame.command == "SEND"] == [
                "2",
                "3",
            ]

    def test_an_error_frame_that_names_no_message_is_an_unknown_outcome(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        # Case D05.
        def script(session: Session, frame: Frame) -> None:
            if frame.command == "SEND":
                session.answer("ERROR", message="The maximum frame size was exceeded")
                raise Hangup
            confirming(session, frame)

        with serve(script) as server:
            failure, _ = _failure(connect(server.port))
        assert failure.delivery is Delivery.UNKNOWN
        assert "The maximum frame size was exceeded" in failure.reason

    def test_a_login_that_is_never_answered_ends_in_time(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        reasons: list[str] = []

        def publish() -> float:
            with serve(lambda session, frame: None) as server:
                failure, seconds = _failure(connect(server.port, connect_timeout=0.5))
            assert failure.delivery is Delivery.REFUSED, "nothing was sent"
            reasons.append(failure.reason)
            return seconds

        once_below(2, publish)
        assert "the login was not answered in time" in reasons[-1]

    def test_a_tls_handshake_that_is_never_answered_ends_in_time(
        self, connect: Callable[..., StompBroker]
    ) -> None:
        def publish() -> float:
            with socket.create_server(("127.0.0.1", 0)) as silent:
                failure, seconds = _failure(connect(silent.getsockname()[1], connect_timeout=0.5))
            assert failure.delivery is Delivery.REFUSED
            return seconds

        once_below(2, publish)

    def test_a_broker_that_is_not_there_is_refused_at_once_and_not_named_to_clients(
        self, connect: Callable[..., StompBroker], dead_port: int
    ) -> None:
        def publish() -> float:
            failure, seconds = _failure(connect(dead_port))
            assert failure.delivery is Delivery.REFUSED
            assert str(dead_port) in failure.reason
            assert str(dead_port) not in str(failure)
            assert "127.0.0.1" not in str(failure)
            return seconds

        once_below(1, publish)

    def test_an_idle_connection_that_the_broker_closed_is_replaced(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        with serve(confirming) as server:
            adapter = connect(server.port)
            adapter.publish(message("1"))
            server.sessions[0].connection.shutdown(socket.SHUT_RDWR)

            adapter.publish(message("2"))

            assert [frame.body for frame in server.sessions[1].frames if frame.command == "SEND"] == ["2"]

    def test_a_login_that_ends_without_an_answer_may_be_a_refusal(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        def script(session: Session, frame: Frame) -> None:
            if session.number == 0:
                raise Hangup
            confirming(session, frame)

        fetched: list[str] = []

        def fetch() -> Credentials:
            fetched.append("new")
            return Credentials("app", "rotated")

        with serve(script) as server:
            connect(server.port, refresh_credentials=fetch).publish(message())
            assert fetched == ["new"]
            assert server.sessions[1].frames[0].headers["passcode"] == "rotated"
        with serve(script) as server, pytest.raises(PublishFailed, match="broker") as failure:
            connect(server.port).publish(message())
        assert "ended before the login was answered" in failure.value.reason

    def test_a_hundred_reconnects_leave_one_thread_and_no_open_socket(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        # Case D07.
        with serve(confirming) as server:
            adapter = connect(server.port)
            adapter.publish(message())
            threads = _client_threads()
            sockets = _open_files()
            for cycle in range(100):
                server.sessions[-1].connection.shutdown(socket.SHUT_RDWR)
                adapter.publish(message(str(cycle)))
            eventually(lambda: len(_client_threads()) <= len(threads), what="the end of old threads")
            # Both ends are in this process, and the server closes its own a little later.
            eventually(lambda: _open_files() <= sockets + 4, what="the end of old sockets")

    def test_a_dead_connection_does_not_keep_a_processor_busy(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        """stomp.py's loop spins on the end of a TLS stream."""
        before = _client_threads()
        with serve(confirming) as server:
            connect(server.port).publish(message())
            [loop] = [thread for thread in _client_threads() if thread not in before]
            server.sessions[0].connection.shutdown(socket.SHUT_RDWR)
            loop.join(60)
            assert not loop.is_alive()

    def test_threads_that_lose_a_connection_together_open_one_new_one(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        all_here = threading.Barrier(4)

        def script(session: Session, frame: Frame) -> None:
            if session.number == 0 and frame.command == "SEND":
                if len([f for f in session.frames if f.command == "SEND"]) == 4:
                    raise Hangup
                return
            confirming(session, frame)

        def publish() -> None:
            all_here.wait(60)
            adapter.publish(message())

        with serve(script) as server:
            adapter = connect(server.port)
            with ThreadPoolExecutor(4) as pool:
                for done in [pool.submit(publish) for _ in range(4)]:
                    done.result()
            assert len(server.sessions) == 2

    def test_messages_after_a_window_without_an_answer_are_not_tried(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        with serve(_login_only) as server:
            adapter = connect(server.port, receipt_timeout=0.3)
            outcomes = adapter.publish_many([message()] * (PIPELINE_WINDOW + 3))
        deliveries = [outcome.delivery for outcome in outcomes if outcome is not None]
        assert deliveries == [Delivery.UNKNOWN] * PIPELINE_WINDOW + [Delivery.REFUSED] * 3


class TestFailOver:
    def test_a_publish_goes_to_the_endpoint_that_answers(
        self, serve: Serve, connect: Callable[..., StompBroker], dead_port: int
    ) -> None:
        with serve(confirming) as server:
            connect(dead_port, server.port).publish(message())
            assert len(server.frames) == 1

    def test_a_publish_moves_to_the_standby_when_the_active_broker_stops(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        # Case D13.
        with serve(confirming) as standby:
            with serve(confirming) as active:
                adapter = connect(active.port, standby.port)
                adapter.publish(message("1"))
            adapter.publish(message("2"))
            assert [frame.body for frame in active.frames] == ["1"]
            assert [frame.body for frame in standby.frames] == ["2"]

    def test_d13_an_endpoint_that_says_nothing_costs_its_time_out_and_no_more(
        self, serve: Serve, connect: Callable[..., StompBroker]
    ) -> None:
        def publish() -> float:
            with socket.create_server(("127.0.0.1", 0)) as silent, serve(confirming) as server:
                adapter = connect(silent.getsockname()[1], server.port, connect_timeout=0.5)
                started = time.monotonic()
                adapter.publish_many([message()])
                # Time that was too short for the other one, too, is too long here.
                return time.monotonic() - started if server.frames else math.inf

        once_below(3, publish)
        assert inspect.signature(StompBroker).parameters["connect_timeout"].default <= 3

    def test_the_next_connection_starts_with_the_endpoint_that_answered_last(
        self,
        serve: Serve,
        connect: Callable[..., StompBroker],
        caplog: pytest.LogCaptureFixture,
        dead_port: int,
    ) -> None:
        with serve(confirming) as server:
            adapter = connect(dead_port, server.port)
            adapter.publish(message("1"))
            adapter.close()
            caplog.clear()
            adapter.publish(message("2"))
        assert str(dead_port) not in caplog.text


class TestTls:
    @pytest.mark.parametrize(
        ("make", "complaint"),
        [
            (lambda authority: self_signed("localhost"), "self-signed certificate"),
            (lambda authority: authority.issue("broker.example"), "Hostname mismatch"),
            (lambda authority: authority.issue("localhost", expired=True), "certificate has expired"),
        ],
        ids=["self-signed", "wrong host name", "expired"],
    )
    def test_a_certificate_that_proves_nothing_is_refused_and_no_password_is_sent(
        self,
        make: Callable[[CertificateAuthority], Certificate],
        complaint: str,
        authority: CertificateAuthority,
        connect: Callable[..., StompBroker],
        tmp_path: Path,
    ) -> None:
        # Case D12.
        with StompServer(confirming, certificate=make(authority), folder=tmp_path) as server:
            failure, _ = _failure(connect(server.port, host="localhost"))
            assert server.sessions == [], "a login was read"
        assert complaint in failure.reason
        assert failure.delivery is Delivery.REFUSED

    def test_a_server_without_tls_never_sees_the_password(
        self, connect: Callable[..., StompBroker], tmp_path: Path
    ) -> None:
        with StompServer(confirming, folder=tmp_path) as server:
            failure, _ = _failure(connect(server.port, connect_timeout=0.5))
            eventually(lambda: bool(server.sessions), what="the connection")
            assert all(b"secret" not in session.received for session in server.sessions)
        assert failure.delivery is Delivery.REFUSED

    def test_a_plain_endpoint_works_where_it_is_allowed(self, tmp_path: Path) -> None:
        with StompServer(confirming, folder=tmp_path) as server:
            adapter = StompBroker(
                endpoints=parse_endpoints(f"stomp://127.0.0.1:{server.port}", allow_plain=True),
                username="app",
                password="secret",
            )
            adapter.publish(message("1"))
            server.sessions[0].connection.shutdown(socket.SHUT_RDWR)
            adapter.publish(message("2"))
            adapter.close()
            assert [frame.body for frame in server.frames if frame.command == "SEND"] == ["1", "2"]


class TestEndpoints:
    def test_addresses_are_read_as_amazon_mq_prints_them(self) -> None:
        expected = [Endpoint("b-1.example.com", 61614), Endpoint("b-2.example.com", 61614)]
        for text in (
            "stomp+ssl://b-1.example.com:61614,stomp+ssl://b-2.example.com:61614",
            "stomp+ssl://b-1.example.com:61614;stomp+ssl://b-2.example.com:61614",
            " stomp+ssl://b-1.example.com:61614 , stomp+ssl://b-2.example.com ,",
            "stomp+ssl://b-1.example.com:61614,stomp+ssl://b-2.example.com:61614,stomp+ssl://b-1.example.com",
        ):
            assert parse_endpoints(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "failover:(stomp+ssl://b-1.example.com:61614)",
            "b-1.example.com:61614",
            "stomp://b-1.example.com:61613",
            "ssl://b-1.example.com:61617",
            "stomp+ssl://b-1.example.com:port",
            "stomp+ssl://b-1.example.com:99999",
            "stomp+ssl://user:secret@b-1.example.com:61614",
            "stomp+ssl://b-1.example.com:61614/path",
            "stomp+ssl://:61614",
        ],
    )
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".") as error:
            parse_endpoints(text)
        assert "secret" not in str(error.value)


class TestMessages:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"body": "a\0b"},
            {"body": "x" * (MAX_BODY_BYTES + 1)},
            {"body": "é" * (MAX_BODY_BYTES // 2 + 1)},
            {"body": ""},
            {"body": "\ud800"},
            {"correlation_id": "São:Paulo\\n2024\r\nX-Admin: 1"},
            {"correlation_id": "a\0b"},
            {"correlation_id": "abc\n"},
            {"correlation_id": ""},
            {"correlation_id": "a" * 65},
            {"queue": "reports\n"},
            {"queue": "reports?consumer.exclusive=true"},
            {"queue": "reports,other"},
            {"queue": ">"},
            {"priority": 10},
            {"priority": -1},
            {"delay_ms": -1},
        ],
        ids=repr,
    )
    def test_what_would_break_a_frame_is_refused_before_sending(self, wrong: dict[str, object]) -> None:
        # Case D02: user text is not escaped, it is not in headers at all. Cases D04 and D05: NUL, size.
        right: dict[str, object] = {"queue": "reports", "body": "{}", "correlation_id": "a-1"}
        with pytest.raises(ValueError, match=r"."):
            OutgoingMessage(**(right | wrong))  # type: ignore[arg-type]

    def test_the_largest_body_is_accepted(self) -> None:
        assert message("x" * MAX_BODY_BYTES)

    def test_credentials_that_would_break_a_frame_are_refused_and_never_shown(self) -> None:
        with pytest.raises(ValueError, match="line break"):
            Credentials("app", "secret\nadmin:true")
        assert "secret" not in repr(Credentials("app", "secret"))


def _login_only(session: Session, frame: Frame) -> None:
    if frame.command == "STOMP":
        confirming(session, frame)


def _drop_on_send(session: Session, frame: Frame) -> None:
    if frame.command == "SEND":
        raise Hangup
    confirming(session, frame)


def _failure(adapter: StompBroker) -> tuple[PublishFailed, float]:
    started = time.monotonic()
    with pytest.raises(PublishFailed) as failure:
        adapter.publish(message())
    return failure.value, time.monotonic() - started


def _client_threads() -> list[threading.Thread]:
    """The loops of stomp.py, by the name of the function that they run."""
    return [thread for thread in threading.enumerate() if "io_loop" in thread.name]


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
