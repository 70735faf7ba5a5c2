r"""The kinds of text that a territory file may hold, each with the pattern that bounds it.

The patterns end with ``$(?!\n)``: Python's ``$`` alone also matches before a final line break,
and editors that read the JSON Schema know no ``\Z``.
"""

from typing import Annotated, Final

from msgspec import Meta

from beffroi.kernel.ids import SLUG_MAX_LENGTH, SLUG_PATTERN

SLUG: Final = SLUG_PATTERN + r"(?!\n)"
HOST_NAME: Final = (
    r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$(?!\n)"
)
ENVIRONMENT_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)"
ENTRY: Final = (
    r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
    r":[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$(?!\n)"
)
# What would end a quoted value of nginx or start one of its variables stays out of paths.
URL_PATH: Final = r"^/(?!/)[^\s\"'\\{}$<>^`|?#]*$(?!\n)"
REQUEST_PATH: Final = r"^/(?!/)[^\s\"'\\{}$<>^`|#]*$(?!\n)"
REDIRECT_TARGET: Final = r"^(/(?!/)|https://[A-Za-z0-9])[^\s\"'\\{}$<>^`|]*$(?!\n)"
RELATIVE_PATH: Final = r"^(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f\\]+$(?!\n)"
INCLUDE_GLOB: Final = r"^(?!/)(?!(.*/)?\.\.(/|$))[^\x00-\x1f\\]+\.ya?ml$(?!\n)"
# A transport such as ext:: runs commands, and a leading dash is an option of git.
GIT_URL: Final = r"^(https?://|ssh://|git://|file:///|/|[a-z0-9_][a-z0-9_.-]*@)\S+$(?!\n)"
GIT_REF: Final = r"^[A-Za-z0-9][A-Za-z0-9._/@^~-]*$(?!\n)"
QUERY_NAME: Final = r"^(\*|[A-Za-z0-9._~\[\]-]+)$(?!\n)"
# RFC 2578 section 3.5: 128 numbers of 32 bits at most.
OBJECT_IDENTIFIER: Final = r"^[0-2](\.[0-9]{1,10}){2,127}$(?!\n)"
# MQTT 5.0 section 4.7.1: messages are sent to a topic without wildcards.
MQTT_TOPIC: Final = r"^[^\x00-\x1f#+]+$(?!\n)"
COOKIE_NAME: Final = r"^[A-Za-z0-9!#$%&'+.^_`|~-]+\*?$(?!\n)"

Slug = Annotated[str, Meta(pattern=SLUG, max_length=SLUG_MAX_LENGTH)]
HostName = Annotated[str, Meta(pattern=HOST_NAME, max_length=253)]
EnvironmentName = Annotated[str, Meta(pattern=ENVIRONMENT_NAME, max_length=255)]
Entry = Annotated[str, Meta(pattern=ENTRY, max_length=255)]
UrlPath = Annotated[str, Meta(pattern=URL_PATH, max_length=2048)]
RequestPath = Annotated[str, Meta(pattern=REQUEST_PATH, max_length=2048)]
RedirectTarget = Annotated[str, Meta(pattern=REDIRECT_TARGET, max_length=2048)]
RelativePath = Annotated[str, Meta(pattern=RELATIVE_PATH, max_length=1024)]
IncludeGlob = Annotated[str, Meta(pattern=INCLUDE_GLOB, max_length=1024)]
GitUrl = Annotated[str, Meta(pattern=GIT_URL, max_length=2048)]
GitRef = Annotated[str, Meta(pattern=GIT_REF, max_length=255)]
Title = Annotated[str, Meta(min_length=1, max_length=120)]
FilePath = Annotated[str, Meta(min_length=1, max_length=4096)]
Command = Annotated[str, Meta(min_length=1, max_length=4096)]
Schedule = Annotated[str, Meta(min_length=1, max_length=100)]
EnvironmentValue = Annotated[str, Meta(max_length=32_768)]
QueryName = Annotated[str, Meta(pattern=QUERY_NAME, max_length=100)]
CookieName = Annotated[str, Meta(pattern=COOKIE_NAME, max_length=100)]
ObjectIdentifier = Annotated[str, Meta(pattern=OBJECT_IDENTIFIER, max_length=1024)]
MqttTopic = Annotated[str, Meta(pattern=MQTT_TOPIC, max_length=1024)]
