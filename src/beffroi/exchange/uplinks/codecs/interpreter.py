"""Vendors' JavaScript, read and run with little time, little memory and no way out.

``python -m`` runs it as a process of its own: what the engine's own limits do not stop, such as a
long sort within one instruction, is ended with the process.
"""

import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from typing import BinaryIO, Final

import msgspec
import quickjs

from beffroi.exchange.uplinks.codecs.confinement import confine

CALL_S: Final = 0.1
"""CPU time of one call."""
MEMORY_BYTES: Final = 16 * 1024 * 1024
"""Of one codec, its text included."""
HANGS_S: Final = 30
"""After which the process ends itself, of real time."""
ANSWER_MOST: Final = 64 * 1024
CODECS_KEPT: Final = 64
_STACK_BYTES: Final = 256 * 1024
_PROCESS_BYTES: Final = 512 * 1024 * 1024
_FRAME_MOST: Final = 32 * 1024 * 1024
_FRAME: Final = struct.Struct(">I")
_LATE_MOST: Final = 3
_READ, _REFUSED = "[0,", "[1,"
_INTERRUPTED: Final = "interrupted"

_BEFORE: Final = """
var module = {exports: {}}, exports = module.exports;
var console = {log() {}, info() {}, warn() {}, error() {}, debug() {}};
var Buffer = class Buffer extends Uint8Array {
  static isBuffer(given) { return given instanceof Buffer; }
  toString(way) {
    return way === "hex" ? Array.from(this, (one) => one.toString(16).padStart(2, "0")).join("")
      : String.fromCharCode(...this);
  }
  readUIntBE(at, length) {
    return this.subarray(at, at + length).reduce((sum, one) => sum * 256 + one, 0);
  }
  readUIntLE(at, length) { return this.slice(at, at + length).reverse().readUIntBE(0, length); }
};
for (const [name, kind] of [["UInt8", "Uint8"], ["Int8", "Int8"], ["UInt16", "Uint16"],
  ["Int16", "Int16"], ["UInt32", "Uint32"], ["Int32", "Int32"], ["Float", "Float32"],
  ["Double", "Float64"]]) {
  for (const order of kind.endsWith("8") ? [""] : ["LE", "BE"]) {
    Buffer.prototype["read" + name + order] = function (at = 0) {
      const view = new DataView(this.buffer, this.byteOffset, this.byteLength);
      return view["get" + kind](at, order === "LE");
    };
  }
}
var __read = (() => {
  const parse = JSON.parse, write = JSON.stringify, Instant = Date, text = String;
  const [read, refused, long] = [0, 1, 2];
  return (decode, way, asked) => {
    const {bytes, port, at} = parse(asked);
    let told;
    if (way === 0) {
      const found = decode({bytes, fPort: port, recvTime: new Instant(at), variables: {}});
      if (found && found.errors && found.errors.length) {
        return write([refused, text(found.errors.join("; ")).slice(0, 300)]);
      }
      told = found ? found.data : null;
    } else {
      told = way === 1 ? decode(bytes, port) : decode(port, bytes, {});
    }
    // Only what is written anew is one whole text for whoever embeds the engine.
    const answer = write([read, told]);
    return answer.length > MOST ? write([long]) : answer;
  };
})();
""".replace("MOST", str(ANSWER_MOST))
_AFTER: Final = """
(typeof decodeUplink === "function" ? 0 : typeof module.exports.decodeUplink === "function" ? 3
  : typeof Decoder === "function" ? 1 : typeof Decode === "function" ? 2 : -1)
"""
_CALLS: Final = {
    0: "(asked) => __read(decodeUplink, 0, asked)",
    1: "(asked) => __read(Decoder, 1, asked)",
    2: "(asked) => __read(Decode, 2, asked)",
    3: "(asked) => __read(module.exports.decodeUplink, 0, asked)",
}


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A payload to decode."""

    payload: bytes
    port: int
    at_ms: float


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """Payloads for one codec; its text is empty where it was given before."""

    codec: str
    text: str
    calls: tuple[Call, ...]


class Decoded(msgspec.Struct, frozen=True, array_like=True):
    """What a codec made of a payload: JSON, or the code of an error and what it said."""

    json: str = ""
    code: str = ""
    said: str = ""


class VendorCodec:
    """A codec that was read; what it keeps between calls is seen by nobody else."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._call = self._made()

    def decoded(self, call: Call) -> Decoded:
        """Run the codec on one payload."""
        asked = {"bytes": list(call.payload), "port": call.port, "at": call.at_ms}
        try:
            answer = self._call(msgspec.json.encode(asked).decode())
        except quickjs.JSException as error:
            self._call = self._made()
            return _failed(error)
        if not isinstance(answer, str):
            return Decoded(code="exchange.codec_no_object")
        if answer.startswith(_READ):
            return Decoded(json=answer[len(_READ) : -1])
        if answer.startswith(_REFUSED):
            return Decoded(code="exchange.codec_refused", said=_one_line(answer[4:-2]))
        return Decoded(code="exchange.codec_answer_too_large")

    def _made(self) -> "quickjs.Object":
        context = quickjs.Context()
        context.set_memory_limit(MEMORY_BYTES)
        context.set_max_stack_size(_STACK_BYTES)
        context.set_time_limit(CALL_S)
        context.eval(_BEFORE)
        context.eval(self._text)
        way = context.eval(_AFTER)
        if way not in _CALLS:
            raise quickjs.JSException("no function decodeUplink, Decoder or Decode")
        return context.eval(_CALLS[way])


def syntax_fault(text: str) -> str:
    """Return what is wrong with the syntax of a codec; empty: nothing. Nothing of it runs."""
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_BYTES)
    context.set_max_stack_size(_STACK_BYTES)
    read = context.eval("(text) => { new Function(text); }")
    try:
        read(text)
    except quickjs.JSException as error:
        return _first_line(error)
    return ""


class Interpreter:
    """Codecs by their name; those not asked for the longest are forgotten."""

    def __init__(self) -> None:
        self._codecs: dict[str, VendorCodec | Decoded] = {}

    def answered(self, asked: Asked) -> Sequence[Decoded]:
        """Decode payloads; once a codec was late three times the rest is left."""
        codec = self._codec(asked)
        if isinstance(codec, Decoded):
            return [codec] * len(asked.calls)
        found: list[Decoded] = []
        late = 0
        for call in asked.calls:
            if late >= _LATE_MOST:
                found.append(Decoded(code="exchange.codec_late"))
                continue
            try:
                found.append(codec.decoded(call))
            except quickjs.JSException as error:
                found.append(_failed(error))
            late += found[-1].code == "exchange.codec_late"
        return found

    def _codec(self, asked: Asked) -> VendorCodec | Decoded:
        codec = self._codecs.pop(asked.codec, None)
        if codec is None:
            try:
                codec = VendorCodec(asked.text)
            except quickjs.JSException as error:
                codec = _failed(error)
        self._codecs[asked.codec] = codec
        if len(self._codecs) > CODECS_KEPT:
            del self._codecs[next(iter(self._codecs))]
        return codec


def _failed(error: Exception) -> Decoded:
    said = _first_line(error)
    if _INTERRUPTED in said:
        return Decoded(code="exchange.codec_late")
    if "out of memory" in said:
        return Decoded(code="exchange.codec_memory")
    return Decoded(code="exchange.codec_failed", said=said)


def _first_line(error: Exception) -> str:
    return _one_line(str(error))


def _one_line(text: str) -> str:
    first = text.strip().partition("\n")[0][:300]
    return "".join(one for one in first if one.isprintable())


def read_frame(stream: BinaryIO) -> bytes:
    """Read what ``write_frame`` wrote; empty at the end."""
    head = stream.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return b""
    (length,) = _FRAME.unpack(head)
    return stream.read(length) if length <= _FRAME_MOST else b""


def framed(content: bytes) -> bytes:
    """Put its length before a content."""
    return _FRAME.pack(len(content)) + content


def main() -> None:
    """Say that it is ready, then answer until the input ends."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _bound()
    interpreter = Interpreter()
    decoder, encoder = msgspec.msgpack.Decoder(Asked), msgspec.msgpack.Encoder()
    confine()
    output.write(framed(b""))
    output.flush()
    while frame := read_frame(sys.stdin.buffer):
        # Whoever would end a process that hangs may be gone itself.
        signal.alarm(HANGS_S)
        answer = interpreter.answered(decoder.decode(frame))
        signal.alarm(0)
        output.write(framed(encoder.encode(answer)))
        output.flush()


def _bound() -> None:
    """Give up what decoding does not need."""
    for what, most in (
        (resource.RLIMIT_AS, _PROCESS_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
