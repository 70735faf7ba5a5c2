"""A receiver can tell who sent a request, and whether it is a copy."""

from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.connectors.signature import is_signed, signed
from beffroi.kernel.secrets import Secret

SECRET = Secret("said by nobody")


def test_the_signature_is_that_of_the_documentation() -> None:
    assert signed(SECRET, b'{"flow":"out"}', 1_782_900_000.9) == (
        "t=1782900000,v1=40ea7c677f875552105f058ddf5af6b05f6a2ab464f3b854f37cd603ce27c683"
    )


@given(st.binary(max_size=200), st.integers(0, 10**10))
def test_what_was_signed_is_recognised_for_five_minutes(body: bytes, at_s: int) -> None:
    header = signed(SECRET, body, at_s)
    assert is_signed(SECRET, body, header, at_s + 300)
    assert not is_signed(SECRET, body, header, at_s + 301)
    assert not is_signed(SECRET, body + b" ", header, at_s)
    assert not is_signed(Secret("another"), body, header, at_s)


@given(st.text(max_size=100))
def test_no_other_header_is_recognised(header: str) -> None:
    assert not is_signed(SECRET, b"", header, 0)


def test_the_moment_is_signed_too() -> None:
    header = signed(SECRET, b"{}", 1_000)
    assert not is_signed(SECRET, b"{}", header.replace("t=1000", "t=2000"), 2_000)
