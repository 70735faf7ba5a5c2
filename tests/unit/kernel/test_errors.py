"""Errors that people read."""

import pytest

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import (
    BeffroiError,
    ConflictError,
    FailedError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)


def test_an_error_tells_what_happened_and_what_to_do_in_both_languages() -> None:
    error = NotFoundError("kernel.account_unknown", account="dupont")
    assert error.message(Language.FR) == "Il n'y a pas de compte «dupont»."
    assert error.remedy(Language.FR) == "Listez-les avec «beffroi accounts»."
    assert str(error) == "There is no account «dupont». List them with «beffroi accounts»."


def test_an_error_keeps_its_code_and_values() -> None:
    error = ConflictError("kernel.constraint_violated", constraint="account_pkey")
    assert error.code == "kernel.constraint_violated"
    assert error.values == {"constraint": "account_pkey"}
    assert error.findings(Language.FR) == ()


def test_values_may_be_called_code_or_language() -> None:
    error = FailedError("kernel.bug", reference="1f", code="x", language="fr", key="k")
    assert "1f" in error.message()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (InvalidInputError, 422),
        (UnauthenticatedError, 401),
        (ForbiddenError, 403),
        (NotFoundError, 404),
        (ConflictError, 409),
        (FailedError, 500),
        (UnavailableError, 503),
    ],
)
def test_each_kind_has_its_http_status(kind: type[BeffroiError], status: int) -> None:
    assert kind("kernel.page_unknown").status == status
