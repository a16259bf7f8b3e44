"""Datasets: files of rows that clients upload, each of one tenant."""

from alembic import op

revision = "0004_datasets"
down_revision = "0003_attempts"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE datasets (
            id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
            tenant VARCHAR(128) NOT NULL,
            format VARCHAR(8) NOT NULL,
            object_key VARCHAR(255) NOT NULL,
            sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
            created_at DATETIME(6) NOT NULL,
            expires_at DATETIME(6) NOT NULL,
            PRIMARY KEY (id),
            KEY datasets_by_expiry (expires_at)
        ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE datasets")
