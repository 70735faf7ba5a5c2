"""How requests to a receiver are signed, and how it looks at that.

The header ``Beffroi-Signature: t=SECONDS,v1=HEX`` carries the moment of sending and
HMAC-SHA256(secret, "SECONDS." + body). ``Beffroi-Delivery`` names what is delivered: it is the same
when it is sent again, so that a receiver can tell what it has already. ``Beffroi-Position`` is the
place in the log of the last change in the body: what was refused once and is sent again later has
a smaller one than what came meanwhile.
"""

import hmac
import re
from typing import Final

from beffroi.kernel.secrets import Secret

SIGNATURE: Final = "Beffroi-Signature"
DELIVERY: Final = "Beffroi-Delivery"
POSITION: Final = "Beffroi-Position"
TOLERANCE_S: Final = 300.0
"""How old a request may be; an older one is a copy that somebody sends again."""
_SIGNED: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def signed(secret: Secret, body: bytes, at_s: float) -> str:
    """Return the header's value for a body.

    Args:
        secret: That both sides know.
        body: As it is sent.
        at_s: Seconds since 1970 (UTC).
    """
    seconds = int(at_s)
    return f"t={seconds},v1={_digest(secret, body, str(seconds))}"


def is_signed(secret: Secret, body: bytes, header: str, now_s: float) -> bool:
    """Tell whether a body comes from who knows the secret, and was signed just now."""
    found = _SIGNED.fullmatch(header)
    if found is None or abs(now_s - int(found[1])) > TOLERANCE_S:
        return False
    return hmac.compare_digest(found[2], _digest(secret, body, found[1]))


def _digest(secret: Secret, body: bytes, seconds: str) -> str:
    message = seconds.encode() + b"." + body
    return hmac.digest(secret.reveal().encode(), message, "sha256").hex()
