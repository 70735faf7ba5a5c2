"""Addresses of the Internet are told from those of one's own network."""

import pytest

from beffroi.exchange.outgoing import Outgoing, UnreachableError, is_public


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"],
)
def test_public_addresses_may_be_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:c0a8:101::",
    ],
)
def test_addresses_of_the_own_network_may_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "[::1]", "[::ffff:7f00:1]"],
)
async def test_an_address_of_this_machine_is_refused_however_it_is_written(host: str) -> None:
    async with Outgoing(allow_internal=False) as outgoing:
        with pytest.raises(UnreachableError) as raised:
            await outgoing.ask("GET", f"http://{host}:1/", headers={}, within_s=5)

    assert raised.value.code == "exchange.address_internal"


@pytest.mark.parametrize("is_allowed", [False, True])
async def test_where_a_name_inside_leads_is_told_to_the_operator_alone(
    caplog: pytest.LogCaptureFixture, *, is_allowed: bool
) -> None:
    async with Outgoing(allow_internal=is_allowed) as outgoing:
        asked = (
            outgoing.ask("GET", "http://localhost:1/", headers={}, within_s=5),
            outgoing.connected("localhost", 1, "mqtt://localhost:1/a", is_encrypted=False),
        )
        for one in asked:
            with pytest.raises(UnreachableError) as raised:
                await one
            told = f"{raised.value.values} {raised.value}"
            assert "127.0.0.1" not in told
            assert "::1" not in told
    leads = [one.getMessage() for one in caplog.records if "host=localhost" in one.getMessage()]
    assert len(leads) == (0 if is_allowed else len(asked))
    assert all("127.0.0.1" in one or "::1" in one for one in leads)
