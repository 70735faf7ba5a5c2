"""Who may do what, before any database is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.rights.model import PLATFORM, Actor, Permission, Role

ORGANISATIONS = st.sampled_from(["", "lomme", "hellemmes"])
NOT_OPERATORS = st.sampled_from([role for role in Role if role is not Role.OPERATOR])


@given(NOT_OPERATORS, ORGANISATIONS, ORGANISATIONS, st.sampled_from(Permission))
def test_nobody_but_an_operator_acts_outside_their_organisation(
    role: Role, own: str, other: str, permission: Permission
) -> None:
    actor = Actor("dupont", role, own)
    if own != other or own == "":
        assert not actor.may(permission, other)
    assert not actor.may(Permission.RUN_PLATFORM, other)
    assert not actor.scope.everything


@given(ORGANISATIONS, st.sampled_from(Permission))
def test_an_operator_may_everything(organisation: str, permission: Permission) -> None:
    assert PLATFORM.may(permission, organisation)
    assert PLATFORM.scope.everything


@pytest.mark.parametrize(
    ("role", "hosts"), [(Role.MANAGER, True), (Role.MEMBER, False), (Role.PARTNER, False)]
)
def test_who_may_host_in_their_own_organisation(role: Role, hosts: bool) -> None:  # noqa: FBT001
    actor = Actor("dupont", role, "lomme")
    assert actor.may(Permission.READ, "lomme")
    assert actor.may(Permission.HOST, "lomme") is hosts


def test_a_refusal_names_the_actor_and_the_permission() -> None:
    actor = Actor("dupont", Role.MEMBER, "lomme")
    with pytest.raises(ForbiddenError) as caught:
        actor.require(Permission.HOST, "lomme")
    assert caught.value.message() == "«dupont» may not do this (host)."
