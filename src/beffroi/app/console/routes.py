"""Every page of the console, the shell's own and those that the domains bring."""

from collections.abc import Sequence

from litestar import Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from beffroi.app.console import (
    accounts,
    language,
    operations,
    organisations,
    overview,
    sign_in,
)
from beffroi.app.console.assets import show_asset
from beffroi.app.console.security import PAGE_HEADERS
from beffroi.app.console.shell import signed_in_actor, visitor_shell
from beffroi.app.console.templating import template_config
from beffroi.capacity import pages as capacity_pages
from beffroi.capacity import rebalancing_pages
from beffroi.delivery import pages as delivery_pages
from beffroi.engines import pages as engines_pages
from beffroi.exchange.console import pages as exchange_pages
from beffroi.exchange.flows import pages as flows_pages
from beffroi.exchange.governance import pages as governance_pages
from beffroi.exchange.models import pages as type_pages
from beffroi.exchange.mqtt import pages as mqtt_pages
from beffroi.exchange.subscriptions import pages as subscription_pages
from beffroi.exchange.uplinks import pages as uplink_pages
from beffroi.hosting import pages as hosting_pages
from beffroi.kernel.clock import SystemClock
from beffroi.ledger import pages as ledger_pages
from beffroi.ledger.quotes import pages as quote_pages

__all__ = ["routes", "template_config"]


def routes() -> Sequence[ControllerRouterHandler]:
    """Return the pages and the files that browsers keep."""
    rates = hosting_pages.ProcessorRates(SystemClock())
    pages = Router(
        path="/",
        route_handlers=[*_shell_pages(), *_domain_pages()],
        dependencies={
            "actor": Provide(signed_in_actor),
            "visitor": Provide(visitor_shell),
            "page": Provide(accounts.accounts_page),
            "rates": Provide(lambda: rates, sync_to_thread=False),
        },
        response_headers=dict(PAGE_HEADERS),
        include_in_schema=False,
    )
    return [pages, show_asset]


def _shell_pages() -> Sequence[ControllerRouterHandler]:
    return [
        overview.show_overview,
        sign_in.show_sign_in,
        sign_in.sign_in,
        sign_in.show_link,
        sign_in.sign_in_by_link,
        sign_in.sign_out,
        sign_in.show_password,
        sign_in.choose_password,
        language.choose_language,
        operations.list_operations,
        operations.show_operation,
        organisations.list_organisations,
        accounts.show_accounts,
        accounts.put_account,
        accounts.issue_link,
        accounts.remove_account,
        accounts.issue_token,
        accounts.withdraw_token,
    ]


def _domain_pages() -> Sequence[ControllerRouterHandler]:
    return [
        hosting_pages.router(),
        engines_pages.router(),
        exchange_pages.router(),
        governance_pages.router(),
        type_pages.router(),
        flows_pages.router(),
        subscription_pages.router(),
        uplink_pages.router(),
        mqtt_pages.router(),
        delivery_pages.router(),
        capacity_pages.router(),
        rebalancing_pages.router(),
        ledger_pages.router(),
        quote_pages.router(),
    ]
