"""nginx and Varnish as towns run them: one page, over HTTPS."""

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import brotli
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beffroi.kernel.clock import SystemClock
from bench.accelerator.servers import Servers, free_port, listens
from bench.accelerator.wordpress import HOST, WordPress

NGINX: Final = "/usr/sbin/nginx"
_BROTLI: Final = "load_module /usr/lib/nginx/modules/ngx_http_brotli_static_module.so;"
_NGINX: Final = """\
{modules}
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/errors.log warn;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; }}
    default_type text/html;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 65s;
    keepalive_requests 1000000;
    access_log {folder}/access.log combined buffer=64k flush=1s;
    ssl_protocols TLSv1.3;
    ssl_certificate {certificates}/peer.crt;
    ssl_certificate_key {certificates}/peer.key;
    ssl_session_cache shared:tls:10m;
{http}
}}
"""
_PHP: Final = """\
            fastcgi_pass unix:{socket};
            fastcgi_param SCRIPT_FILENAME {core}/index.php;
            fastcgi_param SCRIPT_NAME /index.php;
            fastcgi_param DOCUMENT_ROOT {core};
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
            fastcgi_param SERVER_NAME $host;
            fastcgi_param HTTP_HOST $host;
            fastcgi_param HTTPS on;
"""
_GZIP: Final = (
    "    gzip on;\n    gzip_comp_level {level};\n    gzip_proxied any;\n    gzip_vary on;\n"
)
_VCL: Final = """\
vcl 4.1;
backend origin {{ .path = "{origin}"; }}
sub vcl_backend_response {{
    set beresp.do_gzip = true;
    set beresp.ttl = 1h;
    unset beresp.http.Set-Cookie;
}}
"""


class Peer(msgspec.Struct, frozen=True):
    """A server that answers with the page.

    Attributes:
        url: The page's address.
        host: What the Host header says.
        pids: The processes whose CPU time counts, with all below them.
    """

    url: str
    host: str
    pids: tuple[int, ...]


def write_certificate(folder: Path) -> None:
    """Write a certificate of ECDSA P-256 that the peers share."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "peer.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "peer.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


async def nginx(servers: Servers, name: str, http: str, modules: str = "") -> int:
    """Start an nginx with one worker and these lines of its ``http`` block."""
    folder = servers.make_folder(name)
    written = folder / "nginx.conf"
    user = "user www-data;" if os.getuid() == 0 else ""
    written.write_text(
        _NGINX.format(
            folder=folder, certificates=servers.folder, http=http, modules=modules, user=user
        )
    )
    return await servers.start(
        name,
        (NGINX, "-e", "stderr", "-p", str(folder), "-c", str(written)),
        (folder / "nginx.pid").exists,
    )


async def uncached(servers: Servers, origin: WordPress) -> Peer:
    """Start nginx before php-fpm, without a cache."""
    port = free_port()
    php = _php(origin)
    pid = await nginx(
        servers, "uncached", _tls_server(port, f"        location / {{\n{php}        }}")
    )
    return _peer(port, (pid, *origin.pids))


async def cached(servers: Servers, origin: WordPress, level: int) -> Peer:
    """Start nginx with its FastCGI cache, compressing each answer."""
    port, name = free_port(), f"cached-{level}"
    location = (
        f"        location / {{\n{_php(origin)}"
        "            fastcgi_cache pages;\n"
        "            fastcgi_cache_key $scheme$request_method$host$request_uri;\n"
        "            fastcgi_cache_valid 200 301 1h;\n"
        "            fastcgi_cache_lock on;\n"
        "        }"
    )
    cache = (
        f"    fastcgi_cache_path {servers.folder}/{name}-pages levels=1:2 keys_zone=pages:10m;\n"
    )
    pid = await nginx(
        servers, name, cache + _GZIP.format(level=level) + _tls_server(port, location)
    )
    return _peer(port, (pid,))


async def varnish(servers: Servers, origin: WordPress) -> Peer:
    """Start nginx, for TLS, before Varnish, which stores the page compressed."""
    behind = servers.folder / "varnish-origin.sock"
    location = f"        location / {{\n{_php(origin)}        }}"
    await nginx(
        servers,
        "varnish-origin",
        f"    server {{\n        listen unix:{behind};\n{location}\n    }}",
    )
    behind.chmod(0o666)
    vcl = servers.folder / "peer.vcl"
    vcl.write_text(_VCL.format(origin=behind))
    return await varnish_behind_tls(servers, vcl, "varnish")


async def varnish_behind_tls(servers: Servers, vcl: Path, name: str, memory: str = "256m") -> Peer:
    """Start Varnish with a configuration, and nginx before it for TLS."""
    inner, port = free_port(), free_port()
    state = servers.make_folder(f"{name}-state")
    varnish_pid = await servers.start(
        name,
        (
            *("/usr/sbin/varnishd", "-F", "-n", str(state), "-a", f"127.0.0.1:{inner}"),
            *("-f", str(vcl), "-s", f"malloc,{memory}"),
        ),
        lambda: listens(inner),
    )
    upstream = (
        f"    upstream varnish {{ server 127.0.0.1:{inner}; keepalive 64; "
        "keepalive_requests 1000000; }\n"
    )
    location = (
        "        location / {\n            proxy_pass http://varnish;\n"
        "            proxy_http_version 1.1;\n"
        '            proxy_set_header Connection "";\n'
        "            proxy_set_header Host $host;\n"
        "            proxy_buffers 16 16k;\n"
        "        }"
    )
    pid = await nginx(servers, f"{name}-tls", upstream + _tls_server(port, location))
    return _peer(port, (pid, varnish_pid))


async def static(servers: Servers, page: bytes, variants: Mapping[str, bytes]) -> Peer:
    """Start nginx with the page as files compressed beforehand, as densely as can be."""
    port = free_port()
    root = servers.make_folder("static-root")
    (root / "index.html").write_bytes(page)
    for ending, body in variants.items():
        (root / f"index.html.{ending}").write_bytes(body)
    location = (
        f"        root {root};\n        gzip_static on;\n        brotli_static on;\n"
        "        open_file_cache max=1000 inactive=60s;\n        open_file_cache_valid 1s;\n"
        "        location / {\n            index index.html;\n        }"
    )
    pid = await nginx(servers, "static", _tls_server(port, location), modules=_BROTLI)
    return _peer(port, (pid,))


def densest_brotli(page: bytes) -> bytes:
    """Compress as a build step would."""
    return bytes(brotli.compress(page, quality=11))


def _php(origin: WordPress) -> str:
    return _PHP.format(socket=origin.socket, core=origin.core)


def _tls_server(port: int, inside: str) -> str:
    return f"    server {{\n        listen 127.0.0.1:{port} ssl;\n{inside}\n    }}"


def _peer(port: int, pids: tuple[int, ...]) -> Peer:
    return Peer(f"https://127.0.0.1:{port}/", HOST, pids)
