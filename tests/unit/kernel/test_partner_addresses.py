"""Which connection strings of a partner's database may be used."""

import pytest

from beffroi.kernel.database.partner_queries import PartnerQueryError, hosts_of
from beffroi.kernel.secrets import Secret

PLACE = "postgresql://town:key@erp.example:5432/erp"


@pytest.mark.parametrize("more", ["", "?sslmode=verify-full&sslrootcert=system"])
def test_one_that_names_a_host_and_an_account_is_used(more: str) -> None:
    assert hosts_of(Secret(PLACE + more)) == ["erp.example"]


@pytest.mark.parametrize(
    "told",
    [
        f"{PLACE}?sslkey=/etc/beffroi/key.pem",
        f"{PLACE}?passfile=/etc/beffroi/pgpass",
        f"{PLACE}?sslrootcert=/etc/shadow",
        f"{PLACE}?hostaddr=127.0.0.1",
        f"{PLACE}?service=platform",
        "postgresql://erp.example/erp",
        "postgresql://town@/erp?host=/run/postgresql",
    ],
)
def test_files_and_accounts_of_the_platforms_machine_are_not(told: str) -> None:
    with pytest.raises(PartnerQueryError):
        hosts_of(Secret(told))
