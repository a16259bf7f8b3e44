"""Builds the adapters from settings. Each function's ``bootstrap`` puts together what it needs.

boto3, valkey and stomp are imported by the adapters when they are built: a function pays at its cold
start only for what it uses.
"""

from typing import TYPE_CHECKING

import pymysql

from reporting.broker import Credentials, StompBroker, parse_endpoints
from reporting.cache import Login, StatusCache, ValkeyCache
from reporting.database import ACCESS_DENIED, ANSWER_SECONDS, Connect, connector
from reporting.errors import DatabaseUnavailable
from reporting.lanes import Lanes
from reporting.links import LinkSigner
from reporting.secrets import Secrets, SecretsUnavailable
from reporting.settings import (
    BrokerSettings,
    CacheSettings,
    DatabaseSettings,
    LinkSettings,
)

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


def database_connector(
    settings: DatabaseSettings, secrets: Secrets, *, answer_seconds: float = ANSWER_SECONDS
) -> Connect:
    """Opens connections to Prensa's own tables. A password that is refused is read anew, once.

    Raises ``DatabaseUnavailable`` for one that can't be read anew just then.
    """
    arn = settings.database_secret_arn

    def with_present_password() -> Connect:
        secret = secrets.json(arn)
        return connector(
            host=settings.database_host,
            port=settings.database_port,
            name=settings.database_name,
            user=secret["username"],
            password=secret["password"],
            ca_file=settings.database_ca_file,
            answer_seconds=answer_seconds,
        )

    opener = with_present_password()

    def connect() -> "Connection[Cursor]":
        nonlocal opener
        try:
            return opener()
        except pymysql.err.OperationalError as error:
            if error.args[0] != ACCESS_DENIED:
                raise
            # It may have been rotated since this environment read it.
            secrets.refresh(arn)
            try:
                opener = with_present_password()
            except SecretsUnavailable as failure:
                raise DatabaseUnavailable("The database did not answer.") from failure
            return opener()

    return connect


def broker(settings: BrokerSettings, secrets: Secrets, *, hurry_seconds: float = 0.0) -> StompBroker:
    """The broker. Its waits are short: a message that can't be sent now is safe in the outbox."""

    def credentials() -> Credentials:
        secret = secrets.json(settings.broker_secret_arn)
        return Credentials(secret["username"], secret["password"])

    def rotated_credentials() -> Credentials:
        secrets.refresh(settings.broker_secret_arn)
        return credentials()

    current = credentials()
    return StompBroker(
        endpoints=parse_endpoints(settings.broker_endpoints),
        username=current.username,
        password=current.password,
        ca_file=settings.broker_ca_file,
        connect_timeout=2.0,
        receipt_timeout=2.0,
        hurry_seconds=hurry_seconds,
        refresh_credentials=rotated_credentials,
    )


def cache(settings: CacheSettings, secrets: Secrets) -> StatusCache:
    arn = settings.cache_secret_arn

    def login() -> Login:
        secret = secrets.json(arn) if arn else {}
        return Login(secret.get("username"), secret.get("password"))

    def rotated_login() -> Login:
        if arn:
            secrets.refresh(arn)
        return login()

    current = login()
    host, _, port = settings.cache_endpoint.rpartition(":")
    return ValkeyCache(
        host=host,
        port=int(port),
        tls=settings.cache_tls,
        ca_file=settings.cache_ca_file,
        username=current.username,
        password=current.password,
        refresh_login=rotated_login if arn else None,
    )


def lanes(settings: BrokerSettings, *, bulk_rows: int) -> Lanes:
    return Lanes(settings.lane_queues, bulk_rows=bulk_rows)


def link_signer(settings: LinkSettings, secrets: Secrets) -> LinkSigner:
    return LinkSigner(
        base_url=settings.link_base_url,
        key_pair_id=settings.link_key_pair_id,
        private_key_pem=secrets.text(settings.link_private_key_secret_arn),
        ttl_seconds=settings.link_ttl_seconds,
    )
