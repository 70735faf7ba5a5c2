"""The pages about stored pages and results: what they show to whom, what their forms do."""

import html
from datetime import UTC, datetime, timedelta

import msgspec

from beffroi.delivery import page_index, result_store, weight_store
from beffroi.delivery.page_model import PageRow, PurgeKind
from beffroi.delivery.result_store import CountedVisits
from beffroi.delivery.rgesn import SiteEvidence, findings
from beffroi.delivery.visit_log import Cursor
from beffroi.delivery.visits import SLOT_S, Slot, VisitCounts
from beffroi.delivery.weight import page_weight
from beffroi.delivery.weight_report import WeightReport, week_of, weight_figures
from beffroi.kernel.counters import slot_begin
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.console.house import HOSTILE, House
from tests.integration.console.markup import Markup

PAGES = "/applications/horloge/pages"
HOST = "horloge.mairie.example.localhost"
NOW = datetime.now(UTC)  # noqa: TID251 - results are of the last 30 days


async def _stored(house: House) -> None:
    """Store one page of the clock, and purge a tag whose name is hostile."""
    row = PageRow(
        *(HOST, "/", "", "horloge", "mairie", "0ab", "0" * 16),
        size_bytes=3 * 1024 * 1024,
        stored_at=NOW,
        fresh_until=NOW,
        stale_while_until=NOW,
        stale_error_until=NOW,
    )
    async with house.platform.foundation.database.transaction(EVERYTHING) as connection:
        await page_index.keep_pages(connection, [(row, frozenset())])
        purge = await page_index.record_purge(
            connection, "horloge", "mairie", PurgeKind.TAG, HOSTILE, "gaston"
        )
        await page_index.end_purge(connection, purge.id, 3)


async def _visited(house: House) -> None:
    slot = Slot("horloge", slot_begin(NOW - timedelta(hours=1), SLOT_S))
    counts = VisitCounts(requests=40, pages=20, stored=30, stored_pages=15, fills=10)
    counted = CountedVisits(None, Cursor(1, 1, "x"), {slot: counts}, {}, {"horloge": "mairie"})
    async with house.platform.foundation.database.transaction(EVERYTHING) as connection:
        await result_store.keep_visits(connection, "visits", counted)


async def _weighed(house: House, body: bytes) -> None:
    report = WeightReport(
        application="horloge",
        organisation="mairie",
        week=week_of(NOW),
        made_at=NOW,
        figures=weight_figures([page_weight(f"{HOST}/%C3%A9t%C3%A9", body, 900, lambda _: None)]),
        findings=findings(SiteEvidence(year=NOW.year, answers=40, from_store_share=0.75)),
    )
    async with house.platform.foundation.database.transaction(EVERYTHING) as connection:
        await weight_store.keep_report(connection, report)


async def test_the_page_tells_what_is_stored_and_what_was_purged(house: House) -> None:
    await _stored(house)
    await _visited(house)
    client = await house.signed_in("gaston")
    text = (await client.get(PAGES)).text
    assert Markup(text).mistakes == []
    assert "3\xa0Mio sur 256\xa0Mio" in text
    assert "oubliées : 3" in text
    assert html.escape(HOSTILE).replace("&quot;", "&#34;") in text
    assert "<script>alert" not in text
    assert "75\xa0%" in text
    assert "pas encore été pesées" in text


async def test_the_weekly_report_is_told_with_its_evidence(house: House) -> None:
    await _weighed(house, b'<p>1<script src="//tiers.example/a.js"></script>')
    client = await house.signed_in("mireille", "en")
    text = (await client.get(PAGES)).text
    assert Markup(text).mistakes == []
    assert f'<a href="https://{HOST}/%C3%A9t%C3%A9">/été</a>' in text
    assert "<code>tiers.example</code>" in text
    assert "75 % of the 40 answers came from the stored pages" in text
    assert 'class="state is-not-provable"' in text
    assert "gCO2e" not in text.split('id="weight"')[1].split('id="rgesn"')[0]


async def test_a_page_is_purged_by_its_form(house: House) -> None:
    await _stored(house)
    # The filler runs as a user of its own and enters the folder of PostgreSQL's socket.
    house.server.folder.chmod(0o711)
    await house.platform.delivery_controller.prepare()
    await house.platform.foundation.filler.start()
    try:
        client = await house.signed_in("gaston")
        answer = await client.post(
            "/applications/horloge/purge", data={"kind": "url", "value": " /actualites/ "}
        )
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == f"{PAGES}#purges"
        all_of_it = await client.post("/applications/horloge/purge-all")
        assert all_of_it.status_code == 303
    finally:
        await house.platform.foundation.filler.stop()
    text = (await client.get(PAGES)).text
    assert f"<code>{HOST}/actualites/</code>" in text
    assert "site entier" in text
    assert "<dd>0</dd>" in text


async def test_what_cannot_be_purged_is_told_above_the_form(house: House) -> None:
    client = await house.signed_in("gaston")
    elsewhere = await client.post(
        "/applications/horloge/purge", data={"kind": "prefix", "value": 'ailleurs.fr/"<b>'}
    )
    assert elsewhere.status_code == 422
    assert "n&#39;est pas une page de cette application" in elsewhere.text
    assert 'value="ailleurs.fr/&#34;&lt;b&gt;"' in elsewhere.text
    assert '<option value="prefix" selected>' in elsewhere.text
    assert Markup(elsewhere.text).mistakes == []
    away = await client.post("/applications/horloge/purge", data={"kind": "tag", "value": "une"})
    assert away.status_code == 503
    assert "ne répond pas" in away.text


async def test_a_member_reads_and_purges_nothing(house: House) -> None:
    client = await house.signed_in("mireille")
    assert Markup((await client.get(PAGES)).text).forms() == []
    for path in ("purge", "purge-all"):
        answer = await client.post(
            f"/applications/horloge/{path}", data={"kind": "url", "value": "/"}
        )
        assert answer.status_code == 403
        assert Markup(answer.text).mistakes == []


async def test_a_form_of_another_site_purges_nothing(house: House) -> None:
    client = await house.signed_in("gaston")
    answer = await client.post(
        "/applications/horloge/purge-all", headers={"Origin": "https://ailleurs.fr"}
    )
    assert answer.status_code == 403


async def test_another_organisations_results_do_not_exist(house: House) -> None:
    operator = await house.signed_in("olga")
    for path in ("/resultats?organisation=ecole", "/resultats/cantine"):
        assert "Cantine" in (await operator.get(path)).text
    client = await house.signed_in("gaston")
    for path in (
        "/resultats?organisation=ecole",
        "/resultats/cantine",
        "/applications/cantine/pages",
    ):
        assert (await client.get(path)).status_code == 404, path
    text = (await client.get("/resultats")).text
    assert "Horloge" in text
    assert "Cantine" not in text
    assert "École" not in text


async def test_results_are_told_by_site_with_links_to_the_public_pages(house: House) -> None:
    await _visited(house)
    client = await house.signed_in("gaston")
    text = (await client.get("/resultats")).text
    assert Markup(text).mistakes == []
    assert f'href="https://{HOST}/.well-known/beffroi/results/"' in text
    assert "75\xa0%" in text
    site = (await client.get("/resultats/horloge")).text
    assert Markup(site).mistakes == []
    assert 'aria-describedby="days"' in site
    assert f'href="https://{HOST}/.well-known/beffroi/results/"' in site


async def test_the_weight_is_told_to_programs(house: House) -> None:
    client = await house.signed_in("mireille")
    none = await client.get("/api/sites/horloge/weight")
    assert (none.status_code, none.json()["title"]) == (404, "delivery.weight_unknown")
    await _weighed(house, b"<p>1")
    told = msgspec.json.decode(
        (await client.get("/api/sites/horloge/weight")).content, type=WeightReport
    )
    assert told.figures is not None
    assert told.figures.grade == "A"
    assert (await client.get("/api/sites/cantine/weight")).status_code == 404
