"""The smallest configurations that an engine runs on."""

import socket

from beffroi.engines.drivers import NginxEngine


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def answering(engine: NginxEngine, text: str, port: int) -> str:
    """Write a configuration that answers every visitor with a text."""
    return f"""
daemon off;
worker_processes 1;
pid {engine.folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {engine.folder}/temporary;
    proxy_temp_path {engine.folder}/temporary;
    fastcgi_temp_path {engine.folder}/temporary;
    uwsgi_temp_path {engine.folder}/temporary;
    scgi_temp_path {engine.folder}/temporary;
    server {{ listen unix:{engine.status_socket}; return 204; }}
    server {{ listen 127.0.0.1:{port}; return 200 "{text}"; }}
}}
"""
