"""Objects in the bucket that nothing refers to (any more): remembered until they are certainly gone."""

from alembic import op

revision = "0007_discarded_objects"
down_revision = "0006_rates"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE discarded_objects (
            object_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
            noted_at DATETIME(6) NOT NULL,
            due_at DATETIME(6) NOT NULL,
            watch_until DATETIME(6) NOT NULL,
            PRIMARY KEY (object_key),
            KEY discarded_objects_due (due_at)
        ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE discarded_objects")
