"""The catalog's tables, and how an older layout becomes this one."""

import sqlalchemy as sa

SCHEMA = 2
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
outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("path", sa.String, nullable=False, index=True),  # not a key of ``files``: most were never taken
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
    sa.Column("document_id", sa.String),
)
folders = sa.Table(
    "folders",
    metadata,
    sa.Column("path", sa.String, primary_key=True),
    sa.Column("include", sa.JSON, nullable=False),
    sa.Column("exclude", sa.JSON, nullable=False),
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


def bring_up(connection: sa.Connection, version: int) -> None:
    """Make the tables, or bring those of an older version to this layout.

    Args:
        version: of the layout that is there; 0 for none.
    """
    metadata.create_all(connection)
    if version == 1:
        # Version 1 kept checksums of files that were refused, or whose rows were in part, and so passed them over
        # ever after. It cannot be told which: each is read once more, and what is as it was costs no embedding.
        held = sa.select(documents.c.source)
        connection.execute(files.delete().where(files.c.path.not_in(held)))
        connection.execute(files.update().values(sha256=""))
    connection.execute(sa.text(f"PRAGMA user_version = {SCHEMA}"))
