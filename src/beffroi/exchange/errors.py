"""The problems that the standard names, told by our sentences.

Source: ETSI GS CIM 009 v1.9.1, clause 5.5.2 and table 6.3.2-1.
"""

from typing import ClassVar

from beffroi.kernel.errors import BeffroiError

_ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


class ExchangeError(BeffroiError):
    """Something went wrong that a program can tell apart by its problem type."""

    problem: ClassVar[str] = _ERRORS + "InternalError"


class InvalidRequestError(ExchangeError):
    """The request cannot be read: not JSON, an unknown parameter, a header that is missing."""

    status = 400
    problem = _ERRORS + "InvalidRequest"


class BadRequestDataError(ExchangeError):
    """The request can be read, and what it says cannot be."""

    status = 400
    problem = _ERRORS + "BadRequestData"


class AlreadyExistsError(ExchangeError):
    """What should be created is there."""

    status = 409
    problem = _ERRORS + "AlreadyExists"


class ResourceNotFoundError(ExchangeError):
    """What was named is not there, or not for this asker."""

    status = 404
    problem = _ERRORS + "ResourceNotFound"


class OperationNotSupportedError(ExchangeError):
    """The standard has it, and beffroi has not yet."""

    status = 501
    problem = _ERRORS + "OperationNotSupported"


class LdContextNotAvailableError(ExchangeError):
    """A @context could not be had."""

    status = 504
    problem = _ERRORS + "LdContextNotAvailable"


class NonexistentTenantError(ExchangeError):
    """Nothing was ever kept under that tenant."""

    status = 404
    problem = _ERRORS + "NonexistentTenant"


class TooComplexQueryError(ExchangeError):
    """Answering would take more than a query may."""

    status = 403
    problem = _ERRORS + "TooComplexQuery"


class TooManyResultsError(ExchangeError):
    """More is asked for at once than is given."""

    status = 403
    problem = _ERRORS + "TooManyResults"


class TooLargeError(InvalidRequestError):
    """The body is larger than what is read."""

    status = 413
