"""What the console offers of delivery: the certificate of the local authority."""

from litestar import Response, Router, get
from litestar.di import NamedDependency

from beffroi.delivery.service import DeliveryService
from beffroi.kernel.rights.model import Actor

_MEDIA_TYPE = "application/x-x509-ca-cert"


@get("/authority.crt")
async def authority_certificate(
    delivery: NamedDependency[DeliveryService],
    actor: NamedDependency[Actor],  # noqa: ARG001 - somebody is signed in
) -> Response[str]:
    """Answer the certificate that people install to trust local addresses."""
    return Response(
        await delivery.authority_certificate(),
        media_type=_MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="beffroi-authority.crt"'},
    )


def router() -> Router:
    """Return the files of delivery."""
    return Router(path="/", route_handlers=[authority_certificate])
