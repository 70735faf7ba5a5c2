"""What goes wrong in PostgreSQL, for those who tell it in words of their own."""

import psycopg
from psycopg import errors

StatementStopped = errors.QueryCanceled
"""A statement took longer than its transaction lets it."""

StatementFailed = psycopg.Error
"""Any failure of a connection or a statement."""
