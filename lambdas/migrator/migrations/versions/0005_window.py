"""The tenants' windows: who has how many messages of a lane in the broker, and who waits.

Reports that are under way when this is applied have their messages already: they count as out.
"""

from alembic import op

revision = "0005_window"
down_revision = "0004_datasets"

_STATEMENTS = (
    """
    CREATE TABLE tenant_lanes (
        tenant VARCHAR(128) NOT NULL,
        lane VARCHAR(16) NOT NULL,
        PRIMARY KEY (tenant, lane)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
    """
    CREATE TABLE window_entries (
        report_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        tenant VARCHAR(128) NOT NULL,
        lane VARCHAR(16) NOT NULL,
        out_at DATETIME(6) NULL,
        place TINYINT UNSIGNED NOT NULL,
        outbox_id BIGINT UNSIGNED NOT NULL,
        PRIMARY KEY (report_id),
        KEY window_entries_next (tenant, lane, out_at, place, outbox_id),
        KEY window_entries_waiting (out_at, tenant, lane)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
    # NULL: not to be sent until the tenant's window has room.
    "ALTER TABLE outbox MODIFY available_at DATETIME(6) NULL",
    """
    INSERT INTO window_entries (report_id, tenant, lane, out_at, place, outbox_id)
    SELECT id, tenant, lane, created_at, 1, 0 FROM reports
    WHERE status IN ('queued', 'running', 'retrying', 'cancelling')
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("UPDATE outbox SET available_at = created_at WHERE available_at IS NULL")
    op.execute("ALTER TABLE outbox MODIFY available_at DATETIME(6) NOT NULL")
    op.execute("DROP TABLE window_entries")
    op.execute("DROP TABLE tenant_lanes")
