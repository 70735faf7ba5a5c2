"""The templates of the console and of every domain's pages, with what they may call."""

from collections.abc import Callable
from datetime import datetime
from typing import cast

from jinja2 import (
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
    select_autoescape,
)
from jinja2.runtime import Context
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from beffroi.app.console import formatting
from beffroi.app.console.assets import asset_path
from beffroi.app.console.shell import PageRequest, Shell, shell_of
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.errors import BeffroiError


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Return how pages are rendered: ``console/…``, ``hosting/…`` and so on."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(_environment()))


def _environment() -> Environment:
    environment = Environment(
        loader=PrefixLoader(
            {
                "console": PackageLoader("beffroi.app.console"),
                "capacity": PackageLoader("beffroi.capacity", "templates/pages"),
                "exchange": PackageLoader("beffroi.exchange", "templates/pages"),
                "ledger": PackageLoader("beffroi.ledger", "templates/pages"),
                "hosting": PackageLoader("beffroi.hosting", "templates/pages"),
                "engines": PackageLoader("beffroi.engines", "templates/pages"),
                "delivery": PackageLoader("beffroi.delivery", "templates/pages"),
            }
        ),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset_path, "shell_of": shell_of, "text": _text}
    environment.filters |= {
        "count": _number,
        "brief": _brief,
        "grouped": _grouped,
        "line": formatting.told_line,
        "message": _message,
        "moment": _moment,
        "organisation": _organisation,
        "remedy": _remedy,
        "size": _size,
        "span": _span,
        "verb": _verb,
    }
    return environment


def _shell(context: Context) -> Shell:
    return shell_of(cast("PageRequest", context["request"]))


def _in_context(function: Callable[..., str]) -> Callable[..., str]:
    return pass_context(function)


@_in_context
def _text(context: Context, key: str, **values: object) -> str:
    """Return a sentence of the catalogue in the page's language."""
    return sentence(_shell(context).language, key, **values)


@_in_context
def _verb(context: Context, verb: str) -> str:
    """Tell an operation's verb, such as ``hosting.deploy``, as a title begins."""
    domain, _, name = verb.partition(".")
    told = sentence(_shell(context).language, f"{domain}.verbs.{name}")
    return told[:1].upper() + told[1:]


@_in_context
def _message(context: Context, error: BeffroiError) -> str:
    return error.message(_shell(context).language)


@_in_context
def _remedy(context: Context, error: BeffroiError) -> str:
    return error.remedy(_shell(context).language)


@_in_context
def _organisation(context: Context, name: str) -> str:
    return _shell(context).organisation_title(name)


@_in_context
def _moment(context: Context, moment: datetime) -> str:
    return formatting.told_moment(moment, _shell(context).language)


@_in_context
def _size(context: Context, size_bytes: int) -> str:
    return formatting.told_size(size_bytes, _shell(context).language)


@_in_context
def _span(context: Context, duration_s: float) -> str:
    return formatting.told_span(duration_s, _shell(context).language)


@_in_context
def _number(context: Context, number: float, decimals: int = 0) -> str:
    return formatting.told_number(number, _shell(context).language, decimals)


@_in_context
def _grouped(context: Context, count: int) -> str:
    return formatting.told_count(count, _shell(context).language)


@_in_context
def _brief(context: Context, count: int) -> str:
    return formatting.told_brief_count(count, _shell(context).language)
