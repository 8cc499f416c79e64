"""The catalog's tables."""

import sqlalchemy as sa

SCHEMA = 1
"""Number of this layout; kept in the database, so that an older Lockstep refuses a newer one's."""

metadata = sa.MetaData()
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", sa.DateTime, server_default=sa.func.current_timestamp(), nullable=False),
    sqlite_autoincrement=True,
)
files = sa.Table(
    "files",
    metadata,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("pipeline", sa.String, nullable=False),
)
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("source", sa.String, sa.ForeignKey("files.path"), nullable=False, index=True),
    sa.Column("content_hash", sa.String, nullable=False),
    sa.Column("pipeline", sa.String, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("headings", sa.JSON, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
)
chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("document_id", sa.String, nullable=False, index=True),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("context", sa.String, nullable=False),
    sa.Column("text", sa.String, nullable=False),
    sa.Column("text_hash", sa.LargeBinary, nullable=False, index=True),
    sa.Column("added_seq", sa.Integer, sa.ForeignKey("changes.seq"), nullable=False, index=True),
    sa.Column("removed_seq", sa.Integer, index=True),
    sqlite_autoincrement=True,  # a point id is never used again, also after its row is gone
)
vectors = sa.Table(
    "vectors",
    metadata,
    sa.Column("text_hash", sa.LargeBinary, primary_key=True),
    sa.Column("embedder", sa.String, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
collections = sa.Table(
    "collections",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("embedder", sa.String, nullable=False),
    sa.Column("synced_seq", sa.Integer, nullable=False, default=0),
)
