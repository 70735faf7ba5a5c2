"""The worker, as a process of its own, writes whole files and says what they are."""

import json
import sys
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.workers import Progress, asked_of_worker
from beffroi.ledger.documents.model import DocumentKind, Documents, DocumentsRequest
from beffroi.ledger.model import Statement, StatementState
from tests.support.document_requests import request_of
from tests.support.drancy_statements import drancy_statements

WORKER = "beffroi.ledger.documents.worker"
ALL = tuple(DocumentKind)
TOOLKIT = (sys.executable, "-m", "focus_data_toolkit")
EXPECTED = [
    "NUM-2026-000001-releve.pdf",
    "NUM-2026-000002-releve.pdf",
    "NUM-2026-000003-releve.pdf",
    "NUM-2026-000004-releve.pdf",
    "NUM-2026-000004-facture.pdf",
    "2026-10-titres.csv",
    "2026-10-titres.json",
    "2026-10-focus-cost-and-usage.csv",
    "2026-10-focus-cost-and-usage.parquet",
    "2026-10-focus-invoice-detail.csv",
    "2026-10-focus-invoice-detail.parquet",
    "2026-10-focus-billing-period.csv",
    "2026-10-focus-billing-period.parquet",
]


def _wanted(folder: Path, *statements: Statement) -> DocumentsRequest:
    return request_of(statements, folder=str(folder), kinds=ALL)


async def _made(request: DocumentsRequest, told: list[Progress]) -> Documents:
    return await asked_of_worker(WORKER, request, Documents, told.append, deadline_s=50)


async def test_every_document_of_a_month_is_written_and_told(tmp_path: Path) -> None:
    told: list[Progress] = []
    documents = await _made(_wanted(tmp_path), told)
    assert [one.name for one in documents.files] == EXPECTED
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(EXPECTED)
    for one in documents.files:
        content = (tmp_path / one.name).read_bytes()
        assert (one.size_bytes, one.sha256) == (len(content), sha256(content).hexdigest())
    assert [one.doing for one in told] == EXPECTED
    assert 0 < told[0].share < told[-1].share <= 1


async def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    answers = []
    for folder in (first, second):
        folder.mkdir()
        answers.append(await _made(_wanted(folder), []))
    assert answers[0] == answers[1]


async def test_a_statement_that_cannot_be_invoiced_is_told_and_leaves_no_half_file(
    tmp_path: Path,
) -> None:
    draft = msgspec.structs.replace(drancy_statements()[3], state=StatementState.DRAFT)
    with pytest.raises(InvalidInputError) as refused:
        await _made(_wanted(tmp_path, draft), [])
    assert refused.value.code == "ledger.draft_is_not_invoiced"
    assert refused.value.values == {"body": "Seine-Saint-Denis Habitat", "month": "2026-10"}
    assert [path.suffix for path in tmp_path.iterdir()] == [".pdf"]


async def test_the_focus_toolkit_accepts_every_dataset_and_their_bundle(tmp_path: Path) -> None:
    await _made(_wanted(tmp_path), [])
    for kind in ("csv", "parquet"):
        for dataset in ("cost-and-usage", "invoice-detail", "billing-period"):
            file = tmp_path / f"2026-10-focus-{dataset}.{kind}"
            command = [*TOOLKIT, "validate", "--dataset", dataset]
            if dataset == "cost-and-usage":
                command += ["--supports", "SupportsUnitPricing"]
            result = await run_command([*command, str(file)], deadline_s=50)
            assert result.status == 0, result.output
    parts = {
        f"--{dataset}": str(tmp_path / f"2026-10-focus-{dataset}.parquet")
        for dataset in ("cost-and-usage", "invoice-detail", "billing-period")
    }
    flags = [word for part in parts.items() for word in part]
    report = tmp_path / "report.json"
    result = await run_command(
        [*TOOLKIT, "validate-bundle", *flags, "--report", str(report)], deadline_s=50
    )
    assert result.status == 0, result.output
    counts = json.loads(report.read_text(encoding="utf-8"))["counts"]
    assert counts["ERROR"] == counts["WARNING"] == 0
