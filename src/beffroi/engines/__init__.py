"""The PostgreSQL and nginx that the platform starts, watches and stops, or joins."""
