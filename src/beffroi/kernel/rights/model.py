"""Roles, permissions, and the one who asks."""

from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.database import Scope
from beffroi.kernel.errors import ForbiddenError


class Role(StrEnum):
    """What a person or a program is to the platform."""

    OPERATOR = "operator"
    MANAGER = "manager"
    MEMBER = "member"
    PARTNER = "partner"


class Permission(StrEnum):
    """What may be asked."""

    READ = "read"
    WRITE_DATA = "write_data"
    HOST = "host"
    RUN_PLATFORM = "run_platform"


_GRANTED = {
    Role.OPERATOR: frozenset(Permission),
    Role.MANAGER: frozenset({Permission.READ, Permission.WRITE_DATA, Permission.HOST}),
    Role.MEMBER: frozenset({Permission.READ}),
    Role.PARTNER: frozenset({Permission.READ, Permission.WRITE_DATA}),
}


class Actor(msgspec.Struct, frozen=True):
    """The one who asks: an account, with its rights.

    Attributes:
        purpose: What the asker says that it is for; "" where nothing was said.
    """

    name: str
    role: Role
    organisation: str = ""
    language: Language = Language.FR
    purpose: str = ""

    @property
    def scope(self) -> Scope:
        """Return what this actor's transactions see."""
        return Scope(organisation=self.organisation, everything=self.role is Role.OPERATOR)

    def may(self, permission: Permission, organisation: str) -> bool:
        """Tell whether the actor may act on what belongs to an organisation."""
        own = self.role is Role.OPERATOR or (
            organisation != "" and organisation == self.organisation
        )
        return own and permission in _GRANTED[self.role]

    def require(self, permission: Permission, organisation: str) -> None:
        """Refuse what the actor may not do.

        Raises:
            ForbiddenError: The role or the organisation does not allow it.
        """
        if not self.may(permission, organisation):
            raise ForbiddenError("kernel.not_allowed", actor=self.name, permission=permission)


PLATFORM = Actor("beffroi", Role.OPERATOR)


class Account(msgspec.Struct, frozen=True):
    """A person or a program that may sign in."""

    name: str
    title: str
    role: Role
    organisation: str
    password_hash: str
    language: Language
    created_at: datetime

    @property
    def actor(self) -> Actor:
        """Return the account as the one who asks."""
        return Actor(self.name, self.role, self.organisation, self.language)


class CredentialKind(StrEnum):
    """What proves who asks."""

    LINK = "link"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret


class Credential(msgspec.Struct, frozen=True):
    """A proof as listed to its owner; the proof itself is shown once and not kept."""

    digest: str
    kind: CredentialKind
    account: str
    label: str
    created_at: datetime
    expires_at: datetime
