"""Each attempt at a report: when a worker took it up, was last heard of and ended, and why.

A row is a claim, named by its fencing token: attempts are counted anew after a redrive, tokens never are.
"""

from alembic import op

revision = "0003_attempts"
down_revision = "0002_listing"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE attempts (
            report_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
            fencing_token BIGINT UNSIGNED NOT NULL,
            attempt SMALLINT UNSIGNED NOT NULL,
            started_at DATETIME(6) NOT NULL,
            last_heartbeat_at DATETIME(6) NOT NULL,
            finished_at DATETIME(6) NULL,
            outcome VARCHAR(12) NULL,
            cause VARCHAR(64) NULL,
            PRIMARY KEY (report_id, fencing_token)
        ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE attempts")
