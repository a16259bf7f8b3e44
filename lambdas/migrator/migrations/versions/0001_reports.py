"""Reports, their outgoing messages, idempotency keys and dead letters.

Documents are LONGTEXT and not JSON: MySQL's JSON type turns a decimal into a double, and a request
must come back with the digits it came with. Ids are ASCII with a binary collation; everything else is
utf8mb4_bin, so that two names are the same only if they are the same characters; blanks at their ends do
not count, and no name has any.
"""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = (
    """
    CREATE TABLE reports (
        id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        tenant VARCHAR(128) NOT NULL,
        report_type VARCHAR(100) NULL,
        format VARCHAR(8) NOT NULL,
        priority VARCHAR(8) NOT NULL,
        lane VARCHAR(16) NOT NULL,
        queue VARCHAR(100) NOT NULL,
        request LONGTEXT NOT NULL,
        inline_rows LONGTEXT NULL,
        input_key VARCHAR(255) NULL,
        status VARCHAR(12) NOT NULL,
        version INT UNSIGNED NOT NULL,
        attempt SMALLINT UNSIGNED NOT NULL,
        max_attempts SMALLINT UNSIGNED NOT NULL,
        fencing_token BIGINT UNSIGNED NOT NULL,
        lease_until DATETIME(6) NULL,
        phase VARCHAR(16) NULL,
        rows_done BIGINT UNSIGNED NOT NULL,
        rows_total BIGINT UNSIGNED NULL,
        next_retry_at DATETIME(6) NULL,
        created_at DATETIME(6) NOT NULL,
        started_at DATETIME(6) NULL,
        finished_at DATETIME(6) NULL,
        expires_at DATETIME(6) NULL,
        result LONGTEXT NULL,
        object_key VARCHAR(255) NULL,
        error LONGTEXT NULL,
        traceparent CHAR(55) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (id),
        KEY reports_of_tenant (tenant, id),
        KEY reports_by_lease (status, lease_until),
        KEY reports_by_expiry (status, expires_at),
        CONSTRAINT reports_status CHECK (status IN ('queued', 'running', 'retrying', 'cancelling',
            'succeeded', 'failed', 'cancelled', 'expired'))
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
    """
    CREATE TABLE outbox (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
        report_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        queue VARCHAR(100) NOT NULL,
        priority TINYINT UNSIGNED NOT NULL,
        body VARCHAR(1000) NOT NULL,
        deliver_at DATETIME(6) NULL,
        created_at DATETIME(6) NOT NULL,
        available_at DATETIME(6) NOT NULL,
        tries SMALLINT UNSIGNED NOT NULL,
        sent_at DATETIME(6) NULL,
        PRIMARY KEY (id),
        KEY outbox_due (sent_at, available_at),
        KEY outbox_of_report (report_id)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
    """
    CREATE TABLE idempotency_keys (
        tenant VARCHAR(128) NOT NULL,
        idempotency_key VARCHAR(255) NOT NULL,
        body_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        report_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        expires_at DATETIME(6) NOT NULL,
        PRIMARY KEY (tenant, idempotency_key),
        KEY idempotency_keys_by_expiry (expires_at)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
    """
    CREATE TABLE dead_letters (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
        message_id VARCHAR(255) NOT NULL,
        queue VARCHAR(100) NOT NULL,
        report_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
        body LONGTEXT NOT NULL,
        received_at DATETIME(6) NOT NULL,
        redriven_at DATETIME(6) NULL,
        PRIMARY KEY (id),
        UNIQUE KEY dead_letters_message (message_id),
        KEY dead_letters_of_report (report_id)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
)


def upgrade() -> None:
    for table in _TABLES:
        op.execute(table)


def downgrade() -> None:
    for name in ("dead_letters", "idempotency_keys", "outbox", "reports"):
        op.execute(f"DROP TABLE {name}")
