"""An index for the listing of a tenant's reports: newest first, from any position.

``reports_of_tenant`` orders by id and so by the clock of the host that gave it; the listing shows and
filters the database's own ``created_at``.
"""

from alembic import op

revision = "0002_listing"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX reports_of_tenant_by_time ON reports (tenant, created_at, id)")


def downgrade() -> None:
    op.execute("DROP INDEX reports_of_tenant_by_time ON reports")
