"""The engines that the platform knows."""

from beffroi.engines.drivers.joined_postgresql import JoinedPostgresql
from beffroi.engines.drivers.nginx import NginxBinary, NginxEngine, found_nginx
from beffroi.engines.drivers.postgresql import PostgresqlEngine

__all__ = ["JoinedPostgresql", "NginxBinary", "NginxEngine", "PostgresqlEngine", "found_nginx"]
