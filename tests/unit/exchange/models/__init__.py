"""Models and quality, without a database."""
