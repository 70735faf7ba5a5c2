"""Under which name a page is stored, and which requests may ask for it; pure.

Patterns are fragments for nginx (PCRE) and Python alike: the caller anchors them, and they hold
no quote and no capture, so that they fit nginx's quoted strings.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

import msgspec

from beffroi.territory.model import PageRules

# Each octet of a segment stands for one byte of a file's name: 120 of them, "@", a query of 120
# and a suffix of the writer stay below the 255 bytes of a name (Linux, NAME_MAX). Letters that
# are not ASCII must be told in UTF-8 (RFC 3629, section 4): a name is text.
_RAW: Final = "[A-Za-z0-9._~!$&'()*+,;=:-]"
_TAIL: Final = "%[89ABab][0-9A-Fa-f]"
_SEGMENT_BYTES: Final = 120
_PATH_CHARACTERS: Final = 1024
# A path as the client wrote it, up to its "?"; it names exactly one file. An escaped slash or dot,
# an empty segment and "@" (what ends a path in a link's name) are of no canonical path.
CANONICAL_PATH: Final = (
    rf"(?=[^?]{{1,{_PATH_CHARACTERS}}}(?:[?]|$))"
    rf"(?:/(?![.]{{1,2}}(?:[/?]|$))"
    rf"(?=(?:%[0-9A-Fa-f]{{2}}|[^%/?]){{0,{_SEGMENT_BYTES}}}(?:[/?]|$))"
    rf"(?:{_RAW}|%20"
    rf"|%(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f]){_TAIL}"
    rf"|%[Ee](?:0%[ABab][0-9A-Fa-f]|[1-9ABCEFabcef]{_TAIL}|[Dd]%[89][0-9A-Fa-f]){_TAIL}"
    rf"|%[Ff](?:0%[9ABab][0-9A-Fa-f]|[1-3]{_TAIL}|4%8[0-9A-Fa-f]){_TAIL}{_TAIL})+)*"
    rf"/?"
)
CANONICAL_QUERY: Final = r"[A-Za-z0-9._~=&+%\[\]:,-]{0,120}"
# What counts campaigns and clicks, and changes no page; "*" at the end leaves the name open.
TRACKING_PARAMETERS: Final = (
    # Google: Campaign URL Builder, auto-tagging of Ads (gclid, wbraid, gbraid), Campaign Manager
    # (dclid), linker parameters of Analytics (_ga, _gl), source of Ads (gad_*).
    *("utm_*", "gclid", "gclsrc", "wbraid", "gbraid", "dclid", "_ga", "_gl", "gad_*", "srsltid"),
    # Matomo: tracking campaigns; pk_* is its older and matomo_* its alternative spelling.
    *("mtm_*", "pk_*", "matomo_*", "piwik_*"),
    # Piano Analytics, formerly AT Internet: marketing campaigns; xtor is the older spelling.
    *("at_*", "xtor"),
    # Meta, Microsoft Advertising, Yandex Metrica, X, TikTok, LinkedIn, Instagram, Pinterest.
    *("fbclid", "msclkid", "yclid", "ysclid", "twclid", "ttclid", "li_fat_id", "igshid", "igsh"),
    "epik",
    # Letters by mail: Mailchimp, HubSpot, Marketo, Klaviyo.
    *("mc_cid", "mc_eid", "_hsenc", "_hsmi", "__hstc", "__hssc", "__hsfp", "hsCtaTracking"),
    *("mkt_tok", "_kx"),
)
# What measures the audience or notes its consent in the browser, and no page on the server
# depends on. Only whole names or names with a distinctive start: a session of Rails is called
# "_<application>_session", which "_ga*" would cover for an application called gazette.
HARMLESS_COOKIES: Final = (
    # Google Analytics ("Cookies and user identification"), older Analytics, Ads.
    *("_ga", "_ga_*", "_gid", "_gat", "_gat_*", "_dc_gtm_*", "_gac_*", "_gcl_au", "_gcl_aw"),
    *("_gcl_dc", "_gcl_gb", "__utma", "__utmb", "__utmc", "__utmt", "__utmv", "__utmz"),
    # Matomo ("Which cookies does Matomo set?").
    *("_pk_id.*", "_pk_ses.*", "_pk_ref.*", "_pk_cvar.*", "_pk_hsr.*", "_pk_testcookie*"),
    *("mtm_consent", "mtm_consent_removed", "mtm_cookie_consent"),
    # Piano Analytics, formerly AT Internet.
    *("_pcid", "_pctx", "_pprv", "atuserid", "atidvisitor", "atauthority"),
    *("xtvrn", "xtan", "xtant"),
    # Meta's pixel, Microsoft's Clarity and Advertising, Hotjar.
    *("_fbp", "_fbc", "_clck", "_clsk", "_uetsid", "_uetvid"),
    *("_hjSession_*", "_hjSessionUser_*", "_hjFirstSeen", "_hjAbsoluteSessionInProgress"),
    # Consent kept in the browser: tarteaucitron, Cookiebot, Didomi and the IAB's framework,
    # Axeptio, OneTrust, Orejime and Klaro, Cookie Consent (Osano, and Orest Bida's).
    *("tarteaucitron", "CookieConsent", "CookieConsentBulkSetting*", "didomi_*", "euconsent*"),
    *("axeptio_*", "OptanonConsent", "OptanonAlertBoxClosed", "eupubconsent-v2"),
    *("orejime", "klaro", "cookieconsent_status", "cc_cookie", "cookieyes-consent"),
)

# A cookie's value stops at what any reader of cookies takes for a separator: Python's http.cookies
# also splits at blanks, RFC 2109 at commas. What is odd counts as a session.
_COOKIE_VALUE: Final = r"[^\x00-\x20,;\x7f]*"
_COOKIE_NAME_REST: Final = r"[^\x00-\x20=,;\x7f]*"
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:[.][a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_HOST_CHARACTERS: Final = 253
# Java's and PHP's ways to tell a session without a cookie (Servlet 6.0, section 7.1.3; PHP's
# session.use_trans_sid).
_SESSION: Final = re.compile("[;?&](?:jsessionid|phpsessid)=", re.IGNORECASE)
_UNESCAPED: Final = "/~!$&'()*+,;=:"


class PageKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """What a page is found by.

    Attributes:
        host: In lower case, without a port.
        path: Decoded, as nginx's ``$uri``.
        query: Normalised; empty when there is none.
    """

    host: str
    path: str
    query: str


def _names(patterns: Sequence[str], rest: str) -> str:
    """Write one alternation of names, of which some are open at the end."""
    alternatives = (
        f"{re.escape(one[:-1])}{rest}" if one.endswith("*") else re.escape(one) for one in patterns
    )
    return f"(?:{'|'.join(alternatives)})"


_TRACKING_NAME: Final = _names(TRACKING_PARAMETERS, "[^=&%+#]*")
_TRACKING: Final = re.compile(_names(TRACKING_PARAMETERS, "(?s:.)*"))
# A query that only tracks, as the client wrote it.
ONLY_TRACKING: Final = f"&*{_TRACKING_NAME}(?:=[^&#]*)?(?:&+{_TRACKING_NAME}(?:=[^&#]*)?)*&*"
_CANONICAL_PATH: Final = re.compile(CANONICAL_PATH)
_CANONICAL_QUERY: Final = re.compile(CANONICAL_QUERY)


def page_key(host: str, raw_target: str, rules: PageRules) -> PageKey | None:
    """Tell under which key the page of a request is stored.

    The origin must be asked for the key's own ``target``: what the rules leave out of a query
    would else decide what every other visitor reads.

    Args:
        host: The host that was asked, without a port.
        raw_target: Path and query as the client wrote them.
        rules: Those of the application.

    Returns:
        The key, or nothing for what must not be stored.
    """
    raw_path, _, raw_query = raw_target.partition("?")
    host = host.lower()
    if len(host) > _HOST_CHARACTERS or not _HOST.fullmatch(host):
        return None
    if not _CANONICAL_PATH.fullmatch(raw_path) or _SESSION.search(raw_target):
        return None
    query = _normalised(raw_query, rules.queries)
    if not _CANONICAL_QUERY.fullmatch(query):
        return None
    return PageKey(host, unquote(raw_path, errors="strict"), query)


def _normalised(raw_query: str, kept: Sequence[str]) -> str:
    """Sort parameters by name and leave out those that change no page."""
    named = [(unquote_plus(part.partition("=")[0]), part) for part in raw_query.split("&") if part]
    ordered = sorted(
        (
            (name, part)
            for name, part in named
            if not _TRACKING.fullmatch(name) and ("*" in kept or name in kept)
        ),
        key=lambda one: one[0],
    )
    return "&".join(part for _, part in ordered)


def target(key: PageKey) -> str:
    """Write path and query as they are asked of the origin."""
    path = quote(key.path, safe=_UNESCAPED)
    return f"{path}?{key.query}" if key.query else path


def link_name(key: PageKey) -> str:
    """Name the link of a page below the folder of links.

    No folder of a link ends in ``@`` and every link holds one in its last part, so that no link
    is in the way of another.
    """
    return f"{key.host}{key.path}@{key.query}"


def counts_as_session(cookie_header: str, ignored: Sequence[str]) -> bool:
    """Tell whether a request holds a cookie that a page may depend on.

    Args:
        cookie_header: The request's; empty when it has none.
        ignored: Cookies that the site declares harmless; ``*`` at the end leaves a name open.
    """
    return not _compiled_cookies(tuple(ignored)).fullmatch(cookie_header)


def cookie_pattern(ignored: Sequence[str]) -> str:
    """Write the pattern of a header that holds harmless cookies alone, or none at all.

    Args:
        ignored: Cookies that the site declares harmless; ``*`` at the end leaves a name open.
    """
    name = _names((*HARMLESS_COOKIES, *sorted({*ignored})), _COOKIE_NAME_REST)
    cookie = rf"(?:{name}[ \t]*=[ \t]*{_COOKIE_VALUE}[ \t]*)?"
    return rf"[ \t]*{cookie}(?:;[ \t]*{cookie})*"


@lru_cache(maxsize=1024)
def _compiled_cookies(ignored: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(cookie_pattern(ignored))
