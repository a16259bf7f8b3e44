"""Which reports go ahead of others' in their queue: the ``high`` ones within their tenant's bound.

Those that are under way when this is applied count as ahead, as they did.
"""

from alembic import op

revision = "0008_ahead"
down_revision = "0007_discarded_objects"


def upgrade() -> None:
    op.execute("ALTER TABLE window_entries ADD COLUMN ahead TINYINT UNSIGNED NOT NULL DEFAULT 0")
    op.execute("UPDATE window_entries SET ahead = 1 WHERE place = 0 AND out_at IS NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE window_entries DROP COLUMN ahead")
