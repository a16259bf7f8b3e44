"""How fast each tenant asks: up to when its requests have used what it is allowed."""

from alembic import op

revision = "0006_rates"
down_revision = "0005_window"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE tenant_rates (
            tenant VARCHAR(128) NOT NULL,
            used_until DATETIME(6) NOT NULL,
            PRIMARY KEY (tenant)
        ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE tenant_rates")
