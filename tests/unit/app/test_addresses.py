"""Which ports are taken, asked of the machine's own sockets."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from beffroi.app.addresses import Ports, chosen_ports
from beffroi.app.settings import Settings
from beffroi.kernel.errors import BeffroiError, ConflictError

Take = Callable[[int], int]


@pytest.fixture
def take() -> Iterator[Take]:
    """Listen on a port, or on any that is free, until the test ends."""
    with ExitStack() as held:

        def listening(port: int) -> int:
            taken = held.enter_context(socket.create_server(("127.0.0.1", port)))
            return int(taken.getsockname()[1])

        yield listening


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def take_the_usual_ones(take: Take) -> None:
    for port in (80, 443, 8080, 8443):
        if is_free(port):
            take(port)


def test_ports_that_are_set_are_taken_as_they_are(tmp_path: Path) -> None:
    wished = Ports(free_port(), free_port())
    settings = Settings(http_port=wished.http, https_port=wished.https)
    assert chosen_ports(settings, tmp_path, nginx_runs=False) == wished


def test_a_set_port_that_another_program_holds_is_told(tmp_path: Path, take: Take) -> None:
    port = take(0)
    for settings in (Settings(http_port=port), Settings(https_port=port)):
        with pytest.raises(ConflictError, match=str(port)):
            chosen_ports(settings, tmp_path, nginx_runs=False)
    assert list(tmp_path.iterdir()) == []


def test_the_usual_ports_come_first_where_they_are_free(tmp_path: Path) -> None:
    chosen = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    usual = [pair for pair in ((80, 443), (8080, 8443)) if is_free(pair[0]) and is_free(pair[1])]
    if usual:
        assert (chosen.http, chosen.https) == usual[0]
    assert is_free(chosen.http)
    assert is_free(chosen.https)


def test_two_free_ports_are_found_where_the_usual_ones_are_taken(
    tmp_path: Path, take: Take
) -> None:
    take_the_usual_ones(take)
    chosen = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    assert chosen.http != chosen.https
    assert is_free(chosen.http)
    assert is_free(chosen.https)


def test_the_choice_is_kept(tmp_path: Path, take: Take) -> None:
    take_the_usual_ones(take)
    first = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    for _ in range(3):
        assert chosen_ports(Settings(), tmp_path, nginx_runs=False) == first


def test_ports_kept_are_left_when_another_program_took_one(tmp_path: Path, take: Take) -> None:
    take_the_usual_ones(take)
    first = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    take(first.https)
    second = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    assert second.https != first.https
    assert is_free(second.https)


def test_ports_that_our_own_nginx_holds_are_kept(tmp_path: Path, take: Take) -> None:
    take_the_usual_ones(take)
    first = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    take(first.http)
    take(first.https)
    assert chosen_ports(Settings(), tmp_path, nginx_runs=True) == first


def test_a_port_set_since_replaces_the_one_kept(tmp_path: Path, take: Take) -> None:
    take_the_usual_ones(take)
    first = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    wished = free_port()
    second = chosen_ports(Settings(http_port=wished), tmp_path, nginx_runs=False)
    assert second == Ports(wished, first.https)


def test_a_port_set_while_our_nginx_runs_leaves_the_other_as_it_is(
    tmp_path: Path, take: Take
) -> None:
    take_the_usual_ones(take)
    first = chosen_ports(Settings(), tmp_path, nginx_runs=False)
    take(first.http)
    take(first.https)
    wished = free_port()
    settings = Settings(http_port=wished, https_port=first.https)
    assert chosen_ports(settings, tmp_path, nginx_runs=True) == Ports(wished, first.https)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may listen on 443")
@pytest.mark.parametrize("port", [443, 8443, 80, 8080])
def test_the_two_are_never_the_same_port(tmp_path: Path, port: int) -> None:
    if not is_free(port):
        pytest.skip(f"port {port} of this machine is taken")
    for settings in (Settings(http_port=port), Settings(https_port=port)):
        chosen = chosen_ports(settings, tmp_path, nginx_runs=False)
        assert chosen.http != chosen.https


def test_an_address_that_is_not_of_this_machine_is_told(tmp_path: Path) -> None:
    settings = Settings(listen_addresses=("192.0.2.1",))
    with pytest.raises(BeffroiError, match=r"192\.0\.2\.1"):
        chosen_ports(settings, tmp_path, nginx_runs=False)


def test_what_is_no_address_is_told(tmp_path: Path) -> None:
    settings = Settings(listen_addresses=("everywhere",))
    with pytest.raises(BeffroiError, match="everywhere"):
        chosen_ports(settings, tmp_path, nginx_runs=False)
