"""The report of a plan as a PDF; only a worker imports what typesets it."""
