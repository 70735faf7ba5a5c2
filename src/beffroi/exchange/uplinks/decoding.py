"""Having vendors' codecs decode what messages brought."""

from collections.abc import Sequence

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.representation.json_reading import read_json
from beffroi.exchange.uplinks.codecs.interpreter import Decoded
from beffroi.exchange.uplinks.codecs.javascript import JavascriptWorker
from beffroi.exchange.uplinks.message import Reading
from beffroi.exchange.uplinks.wrong import WrongMessageError, as_wrong, wrong_message


class Decoder:
    """Completes readings by what codecs of JavaScript make of their bytes."""

    def __init__(self, worker: JavascriptWorker) -> None:
        self._worker = worker

    async def decode(
        self, text: str, readings: Sequence[Reading]
    ) -> Sequence[WrongMessageError | None]:
        """Complete readings of one codec; return why one could not be."""
        asked = [one.undecoded for one in readings if one.undecoded is not None]
        answers = await self._worker.decoded(text, asked)
        return [
            _completed(reading, answer) for reading, answer in zip(readings, answers, strict=True)
        ]


def _completed(reading: Reading, answer: Decoded) -> WrongMessageError | None:
    if answer.code:
        return wrong_message(answer.code, said=answer.said)
    try:
        found = read_json(answer.json.encode("utf-8", "surrogatepass"))
    except ExchangeError as error:
        return as_wrong(error)
    if not isinstance(found, dict):
        return wrong_message("exchange.codec_no_object")
    reading.told["object"] = found
    reading.undecoded = None
    return None
