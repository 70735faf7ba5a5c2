"""Certificates that every browser trusts, by ACME (RFC 8555) and its HTTP-01 challenge."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple, cast

import requests
from acme import challenges, errors, messages
from acme.client import ClientNetwork, ClientV2
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

from beffroi.delivery.keys import loaded_key, new_key, signing_request
from beffroi.delivery.model import AcmeSettings
from beffroi.delivery.ports import AccountVault, IssuerCapabilities
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError, FailedError, InvalidInputError, UnavailableError
from beffroi.kernel.places import hand_over
from beffroi.kernel.secrets import Secret

_CHALLENGE_PATH: Final = Path(challenges.HTTP01.URI_ROOT_PATH)
_ANSWER_WITHIN_S: Final = 15
_POLL_S: Final = 1.5
_NONCES_REFUSED_MOST: Final = 5

GivenT = TypeVarTuple("GivenT")
ResultT = TypeVar("ResultT")
OrderStep = Callable[[messages.OrderResource, datetime], messages.OrderResource]


class AcmeIssuer:
    """Asks an ACME directory; what it puts under the webroot, the directory must find on port 80.

    The library blocks, so that each of its calls has a thread; none lasts more than 15 s, which
    is what a cancelled order takes to end.
    """

    def __init__(
        self,
        settings: AcmeSettings,
        vault: AccountVault,
        webroot: Path,
        clock: Clock,
        *,
        deadline_s: float = 120.0,
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._webroot = webroot
        self._clock = clock
        self._deadline_s = deadline_s
        self._registering = asyncio.Lock()
        self._client: ClientV2 | None = None

    @property
    def capabilities(self) -> IssuerCapabilities:
        """Tell that it needs to visit the site: HTTP-01 proves no wildcard."""
        return IssuerCapabilities(wildcards=False, public=True)

    async def issue(self, names: tuple[str, ...], key: Secret) -> str:
        """Order a certificate, prove each name, and fetch the chain."""
        if any(name.startswith("*") for name in names):
            raise InvalidInputError("delivery.wildcard_not_issued", name=names[0])
        with self._told_errors(names[0]):
            async with asyncio.timeout(self._deadline_s):
                client = await self._registered()
                order = await _called(client.new_order, signing_request(names, key))
                with self._answers(client, order) as pending:
                    for challenge in pending:
                        response = challenge.response(_account_key(client))
                        await _called(client.answer_challenge, challenge, response)
                    order = await self._until(client.poll_authorizations, order)
                order = await _called(client.begin_finalization, order)
                order = await self._until(client.poll_finalization, order)
                return order.fullchain_pem

    async def _registered(self) -> ClientV2:
        """Find the account that belongs to our key, or register it."""
        async with self._registering:
            if self._client is None:
                directory = self._settings.directory
                key = await self._vault.account_key(directory)
                key = key or await self._vault.keep_account_key(directory, new_key())
                self._client = await _called(self._signed_in, key)
            return self._client

    def _signed_in(self, key: Secret) -> ClientV2:
        network = ClientNetwork(
            JWKEC(key=loaded_key(key)),
            alg=ES256,
            user_agent="beffroi",
            timeout=_ANSWER_WITHIN_S,
        )
        if self._settings.ca_bundle is not None:
            # requests takes a file here, which the library hands through under a narrower type.
            network.verify_ssl = cast("bool", str(self._settings.ca_bundle))
        directory = ClientV2.get_directory(self._settings.directory, network)
        if "newAccount" not in directory.to_partial_json():
            raise errors.ClientError("what is at this address is no ACME directory")
        client = ClientV2(directory, network)
        body = messages.NewRegistration.from_data(
            email=self._settings.contact or None, terms_of_service_agreed=True
        )
        try:
            client.new_account(body)
        except errors.ConflictError as known:
            network.account = messages.RegistrationResource(uri=known.location, body=body)
        return client

    @contextmanager
    def _answers(
        self, client: ClientV2, order: messages.OrderResource
    ) -> Iterator[list[messages.ChallengeBody]]:
        """Lay the answers to the challenges out for the directory's visit."""
        folder = self._webroot / _CHALLENGE_PATH
        for parent in (self._webroot, folder.parent, folder):
            hand_over(parent, None, 0o755)
        pending = [
            _http_challenge(authorization)
            for authorization in order.authorizations
            if authorization.body.status == messages.STATUS_PENDING
        ]
        files = [folder / challenge.chall.encode("token") for challenge in pending]
        try:
            for challenge, file in zip(pending, files, strict=True):
                file.write_text(challenge.validation(_account_key(client)))
                file.chmod(0o644)
            yield pending
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    async def _until(
        self, step: OrderStep, order: messages.OrderResource
    ) -> messages.OrderResource:
        """Poll in short calls, so that a cancellation is heard."""
        while True:
            soon = self._clock.now() + timedelta(seconds=_POLL_S)
            try:
                return await _called(step, order, _as_the_library_counts(soon))
            except errors.TimeoutError:
                await asyncio.sleep(0)

    @contextmanager
    def _told_errors(self, name: str) -> Iterator[None]:
        """Turn what the library raises into what a person can act on."""
        directory = self._settings.directory
        try:
            yield
        except TimeoutError as error:
            raise UnavailableError(
                "delivery.acme_late", name=name, directory=directory, limit_s=self._deadline_s
            ) from error
        except (requests.RequestException, errors.ClientError) as error:
            self._client = None
            raise UnavailableError(
                "delivery.acme_unreachable", directory=directory, reason=_told_reason(error)
            ) from error
        except errors.ValidationError as error:
            raise _not_proven(name, error) from error
        except errors.IssuanceError as error:
            raise _refused(name, directory, _reasons(error.error)) from error
        except messages.Error as error:
            self._client = None
            raise _refused(name, directory, _reasons(error)) from error
        except errors.Error as error:
            raise _refused(name, directory, _told_reason(error)) from error


async def _called(verb: Callable[[*GivenT], ResultT], *given: *GivenT) -> ResultT:
    """Call the library in a thread; a request refused for its nonce alone is sent again.

    The library sends it a second time by itself; a busy directory may refuse that too.
    """
    for _ in range(_NONCES_REFUSED_MOST):
        try:
            return await asyncio.to_thread(verb, *given)
        except messages.Error as error:
            if error.code != "badNonce":
                raise
    return await asyncio.to_thread(verb, *given)


def _account_key(client: ClientV2) -> JWK:
    return cast("JWK", client.net.key)


def _http_challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for challenge in authorization.body.challenges:
        if isinstance(challenge.chall, challenges.HTTP01):
            return challenge
    raise FailedError(
        "delivery.acme_without_http_challenge", name=authorization.body.identifier.value
    )


def _as_the_library_counts(moment: datetime) -> datetime:
    """Return the moment as naive local time, which the library compares with."""
    return moment.astimezone().replace(tzinfo=None)


def _not_proven(name: str, error: errors.ValidationError) -> BeffroiError:
    reasons = [
        challenge.error.detail or challenge.error.typ
        for authorization in error.failed_authzrs
        for challenge in authorization.body.challenges
        if challenge.error is not None
    ]
    return FailedError("delivery.acme_not_proven", name=name, reason="; ".join(reasons))


def _refused(name: str, directory: str, reason: str) -> BeffroiError:
    return FailedError("delivery.acme_refused", name=name, directory=directory, reason=reason)


def _reasons(error: messages.Error) -> str:
    return "; ".join(part.detail or part.typ for part in (error, *(error.subproblems or ())))


def _told_reason(error: Exception) -> str:
    return str(error) or type(error).__name__
