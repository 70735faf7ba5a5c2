"""Vendors' codecs: the three forms that they have, and what none of them can do to us."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from beffroi.exchange.uplinks.codecs.interpreter import ANSWER_MOST, Decoded
from beffroi.exchange.uplinks.codecs.javascript import JavascriptWorker
from beffroi.exchange.uplinks.message import Undecoded
from tests.support.waiting import scaled

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ECHO = "function decodeUplink(input) { return {data: {first: input.bytes[0]}}; }"

FORMS = (
    (
        "function decodeUplink({bytes, fPort, recvTime}) { const [a, b] = bytes;"
        " return {data: {sum: a + b, fPort, year: recvTime.getUTCFullYear()}}; }"
    ),
    (
        "const decodeUplink = (i) => ({data: {sum: i.bytes[0] + i.bytes[1], fPort: i.fPort,"
        " year: i.recvTime.getUTCFullYear()}, warnings: ['w'], errors: []});"
    ),
    (
        "module.exports = {decodeUplink(i) { return {data: {sum: i.bytes[0] + i.bytes[1],"
        " fPort: i.fPort, year: 2026}}; }};"
    ),
    (
        "function Decoder(bytes, port) {"
        " return {sum: bytes[0] + bytes[1], fPort: port, year: 2026}; }"
    ),
    (
        "function Decode(fPort, bytes, variables) {"
        " return {sum: bytes[0] + bytes[1], fPort: fPort, year: 2026}; }"
    ),
    (
        "function decodeUplink(i) { const b = Buffer.from(i.bytes); return {data:"
        " {sum: b.readUInt16BE(0) - 255, fPort: b.readInt8(1) + 1, year: 2026}}; }"
    ),
)
HOSTILE = (
    ("while (true) {}", "codec_late"),
    ("for (;;) { try { while (true) {} } catch (e) {} }", "codec_late"),
    ("return /^(a+)+$/.test('a'.repeat(60) + '!');", "codec_late"),
    ("const a = []; for (;;) a.push(new Array(9999).fill(1));", "codec_memory"),
    ("return {data: 'x'.repeat(100000000)};", "codec_memory"),
    ("return {data: new ArrayBuffer(1e9)};", "codec_memory"),
    (f"return {{data: {{a: 'x'.repeat({ANSWER_MOST})}}}};", "codec_answer_too_large"),
    ("return (function f() { return f() + 1; })();", "codec_failed"),
    ("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return {data: a};", "codec_failed"),
    ("const o = {}; o.o = o; return {data: o};", "codec_failed"),
    ("Object.prototype.toJSON = () => { while (true) {} }; return {data: {}};", "codec_late"),
    ("return {data: new Proxy({}, {ownKeys() { for (;;); }})};", "codec_late"),
    ("throw new Error('port 3\\n unknown');", "codec_failed"),
    ("return {errors: ['unknown port']};", "codec_refused"),
    ("return {data: 7};", "codec_no_object"),
    ("return require('fs').readFileSync('/etc/passwd');", "codec_failed"),
    ("return import('os');", "codec_no_object"),
    ("JSON.parse = JSON.stringify = () => 'x'; return {};", "codec_no_object"),
)


@pytest.fixture
async def worker() -> AsyncIterator[JavascriptWorker]:
    """The process of codecs."""
    made = JavascriptWorker(answer_s=scaled(0.8))
    yield made
    await made.close()


def _payloads(*sent: bytes, port: int = 3) -> list[Undecoded]:
    return [Undecoded(one, port, AT) for one in sent]


async def _one(worker: JavascriptWorker, text: str, payload: bytes = b"\x01\x02") -> Decoded:
    (found,) = await worker.decoded(text, _payloads(payload))
    return found


async def test_each_form_of_a_codec_is_run(worker: JavascriptWorker) -> None:
    for text in FORMS:
        found = await _one(worker, text)
        assert msgspec.json.decode(found.json) == {"sum": 3, "fPort": 3, "year": 2026}, text


async def test_a_hostile_codec_is_refused_and_the_next_one_runs(worker: JavascriptWorker) -> None:
    for body, code in HOSTILE:
        found = await _one(worker, f"function decodeUplink(input) {{ {body} }}")
        if code == "codec_no_object":
            assert not found.code, body
            assert not isinstance(msgspec.json.decode(found.json), dict), body
        else:
            assert found.code == f"exchange.{code}", body
        assert (await _one(worker, ECHO)).json == '{"first":1}', body


@pytest.mark.parametrize(
    "body",
    [
        # Long within one instruction, and in telling the error: the engine interrupts neither.
        "const a = []; a.length = 4294967295; return a.join(',');",
        "throw {toString() { for (;;); }};",
    ],
)
async def test_what_no_limit_of_the_engine_stops_ends_with_its_process(
    worker: JavascriptWorker, body: str
) -> None:
    assert (await _one(worker, ECHO)).json == '{"first":1}'
    text = f"function decodeUplink() {{ {body} }}"
    hostile = asyncio.create_task(_one(worker, text))
    await asyncio.sleep(0)
    assert (await _one(worker, ECHO)).json == '{"first":1}'
    assert (await hostile).code == "exchange.codec_stopped"
    began = time.monotonic()
    assert (await _one(worker, text)).code == "exchange.codec_stopped"
    assert time.monotonic() - began < scaled(0.5)


async def test_a_codec_keeps_nothing_of_another(worker: JavascriptWorker) -> None:
    spoils = "Array.prototype.map = Object.keys = JSON.stringify = undefined; var seen = 1;" + ECHO
    asks = "function decodeUplink() { return {data: {seen: typeof seen, map: typeof [].map}}; }"
    assert (await _one(worker, spoils)).json == '{"first":1}'
    assert (await _one(worker, asks)).json == '{"seen":"undefined","map":"function"}'


async def test_a_codec_that_cannot_be_read_refuses_its_messages_alone(
    worker: JavascriptWorker,
) -> None:
    for text in ("function (", "var a = 1;", "while (true) {}", "throw 1"):
        found = await worker.decoded(text, _payloads(b"\1", b"\2"))
        assert [bool(one.code) for one in found] == [True, True]
    found = await worker.decoded(ECHO, _payloads(*(bytes([one]) for one in range(250))))
    assert [one.json for one in found] == [f'{{"first":{one}}}' for one in range(250)]


async def test_more_codecs_than_are_kept_are_all_run(worker: JavascriptWorker) -> None:
    texts = [f"function decodeUplink() {{ return {{data: {{n: {n}}}}}; }}" for n in range(80)]
    for _ in range(2):
        for n, text in enumerate(texts):
            assert (await _one(worker, text)).json == f'{{"n":{n}}}'
