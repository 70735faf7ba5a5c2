"""The door of the exchange, asked as programs ask it."""

from typing import Any

from tests.integration.exchange.api.conftest import JSON, Askers

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
BUS = "urn:ngsi-ld:Bus:12"


def bus(entity_id: str = BUS, **attributes: Any) -> dict[str, Any]:
    speed = {"type": "Property", "value": 30}
    return {"id": entity_id, "type": "Bus", "speed": speed, **attributes}


async def test_an_entity_is_created_shown_and_deleted(askers: Askers) -> None:
    created = await askers.arras.ask("POST", "entities", bus())
    assert (created.status_code, created.headers["location"]) == (
        201,
        f"/ngsi-ld/v1/entities/{BUS}",
    )

    shown = await askers.arras.ask("GET", f"entities/{BUS}?options=keyValues")
    assert shown.json() == {"id": BUS, "type": "Bus", "speed": 30}
    assert shown.headers["content-type"] == JSON
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in shown.headers["link"]

    deleted = await askers.arras.ask("DELETE", f"entities/{BUS}")
    assert (deleted.status_code, "content-length" in deleted.headers) == (204, False)
    gone = await askers.arras.ask("GET", f"entities/{BUS}")
    assert (gone.status_code, gone.json()["type"]) == (404, ERRORS + "ResourceNotFound")


async def test_an_attribute_is_patched(askers: Askers) -> None:
    await askers.arras.ask("POST", "entities", bus())
    patched = await askers.arras.ask("PATCH", f"entities/{BUS}/attrs/speed", {"value": 42})
    assert patched.status_code == 204
    shown = await askers.arras.ask("GET", f"entities/{BUS}?format=simplified&attrs=speed")
    assert shown.json()["speed"] == 42


async def test_nobody_without_a_token_is_answered(askers: Askers) -> None:
    refused = await askers.stranger.ask("GET", "entities?type=Bus")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.headers["content-type"] == "application/problem+json"


async def test_who_may_only_read_cannot_write(askers: Askers) -> None:
    refused = await askers.reader.ask("POST", "entities", bus())
    assert (refused.status_code, refused.json()["title"]) == (403, "kernel.not_allowed")


async def test_another_organisation_neither_sees_nor_changes(askers: Askers) -> None:
    await askers.arras.ask("POST", "entities", bus())
    seen = await askers.lens.ask("GET", f"entities/{BUS}")
    changed = await askers.lens.ask("PATCH", f"entities/{BUS}/attrs/speed", {"value": 1})
    listed = await askers.lens.ask("GET", "entities?type=Bus")
    purged = await askers.lens.ask("DELETE", "entities?type=Bus")
    types = await askers.lens.ask("GET", "types")
    assert (seen.status_code, changed.status_code, listed.json()) == (404, 404, [])
    assert (purged.status_code, types.json()["typeList"]) == (204, [])
    assert (await askers.arras.ask("GET", f"entities/{BUS}")).status_code == 200


async def test_a_tenant_keeps_to_itself_and_is_echoed(askers: Askers) -> None:
    tenant = {"NGSILD-Tenant": "trams"}
    unknown = await askers.arras.ask("GET", "entities?type=Bus", headers=tenant)
    assert unknown.json()["type"] == ERRORS + "NonexistentTenant"
    created = await askers.arras.ask("POST", "entities", bus(), headers=tenant)
    assert (created.status_code, created.headers["ngsild-tenant"]) == (201, "trams")
    assert (await askers.arras.ask("GET", f"entities/{BUS}")).status_code == 404


async def test_a_parameter_nobody_knows_is_refused(askers: Askers) -> None:
    refused = await askers.arras.ask("GET", "entities?type=Bus&typo=1")
    assert (refused.status_code, refused.json()["type"]) == (400, ERRORS + "InvalidRequest")
    assert "typo" in refused.json()["detail"]


async def test_media_types_are_refused_by_a_status_alone(askers: Askers) -> None:
    sent = await askers.arras.ask(
        "POST", "entities", content=b"<bus/>", headers={"Content-Type": "application/xml"}
    )
    wanted = await askers.arras.ask(
        "GET", "entities?type=Bus", headers={"Accept": "application/xml"}
    )
    assert (sent.status_code, sent.content) == (415, b"")
    assert (wanted.status_code, wanted.content) == (406, b"")


async def test_a_context_comes_in_one_place_alone(askers: Askers) -> None:
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
    inside = {**bus(), "@context": core}
    in_json = await askers.arras.ask("POST", "entities", inside)
    link = f'<{core}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    twice = await askers.arras.ask(
        "POST",
        "entities",
        inside,
        headers={"Content-Type": "application/ld+json", "Link": link},
    )
    missing = await askers.arras.ask(
        "POST", "entities", bus(), headers={"Content-Type": "application/ld+json"}
    )
    codes = [one.json()["title"] for one in (in_json, twice, missing)]
    assert codes == [
        "exchange.context_not_in_json",
        "exchange.context_linked_twice",
        "exchange.context_missing",
    ]


async def test_pages_are_linked_and_counted(askers: Askers) -> None:
    batch = [bus(f"urn:ngsi-ld:Bus:{number}") for number in range(5)]
    created = await askers.arras.ask("POST", "entityOperations/create", batch)
    assert (created.status_code, len(created.json())) == (201, 5)
    page = await askers.arras.ask("GET", "entities?type=Bus&limit=2&offset=2&count=true")
    assert [one["id"][-1] for one in page.json()] == ["2", "3"]
    assert page.headers["ngsild-results-count"] == "5"
    links = page.headers.get_list("link")
    assert any("offset=0" in one and 'rel="prev"' in one for one in links)
    assert any("offset=4" in one and 'rel="next"' in one for one in links)


async def test_each_item_of_a_batch_fails_alone(askers: Askers) -> None:
    await askers.arras.ask("POST", "entities", bus())
    batch = [bus(), bus("urn:ngsi-ld:Bus:13"), {"id": "urn:ngsi-ld:Bus:14"}]
    told = await askers.arras.ask("POST", "entityOperations/create", batch)
    assert told.status_code == 207
    assert told.json()["success"] == ["urn:ngsi-ld:Bus:13"]
    failed = {one["entityId"]: one["error"]["title"] for one in told.json()["errors"]}
    assert failed == {BUS: "exchange.entity_exists", "urn:ngsi-ld:Bus:14": "exchange.type_missing"}


async def test_an_upsert_tells_what_it_created(askers: Askers) -> None:
    await askers.arras.ask("POST", "entities", bus())
    batch = [bus(speed=50), bus("urn:ngsi-ld:Bus:13")]
    told = await askers.arras.ask("POST", "entityOperations/upsert", batch)
    assert (told.status_code, told.json()) == (201, ["urn:ngsi-ld:Bus:13"])
    again = await askers.arras.ask("POST", "entityOperations/upsert?options=update", batch)
    assert (again.status_code, again.content) == (204, b"")


async def test_a_batch_may_be_longer_than_the_queue_of_the_writer(askers: Askers) -> None:
    batch = [{"id": f"urn:ngsi-ld:Stop:{number}", "type": "Stop"} for number in range(10_500)]
    created = await askers.arras.ask("POST", "entityOperations/create", batch)
    assert (created.status_code, len(created.json())) == (201, 10_500)


async def test_a_purge_by_ids_alone_is_too_wide(askers: Askers) -> None:
    await askers.arras.ask("POST", "entities", bus())
    refused = await askers.arras.ask("DELETE", "entities?idPattern=.*")
    assert (refused.status_code, refused.json()["type"]) == (400, ERRORS + "BadRequestData")
    purged = await askers.arras.ask("DELETE", "entities?type=Bus&drop=speed")
    assert purged.status_code == 204
    shown = await askers.arras.ask("GET", f"entities/{BUS}")
    assert shown.json() == {"id": BUS, "type": "Bus"}


async def test_linked_entities_come_inside_or_beside(askers: Askers) -> None:
    line = {"id": "urn:ngsi-ld:Line:A", "type": "Line", "name": {"type": "Property", "value": "A"}}
    await askers.arras.ask("POST", "entities", line)
    on_line = {"type": "Relationship", "object": line["id"]}
    await askers.arras.ask("POST", "entities", bus(line=on_line))
    inside = await askers.arras.ask("GET", f"entities/{BUS}?join=inline&pick=id,line{{name}}")
    beside = await askers.arras.ask("GET", f"entities/{BUS}?join=flat&format=simplified")
    assert inside.json()["line"]["entity"] == {"name": line["name"]}
    assert [one["id"] for one in beside.json()] == [BUS, line["id"]]


async def test_what_is_not_there_yet_says_so(askers: Askers) -> None:
    told = await askers.arras.ask("GET", "csourceRegistrations")
    assert (told.status_code, told.json()["type"]) == (501, ERRORS + "OperationNotSupported")


async def test_unknown_paths_and_methods_are_told_apart(askers: Askers) -> None:
    path = await askers.arras.ask("GET", "nothing")
    method = await askers.arras.ask("PUT", f"entities/{BUS}/attrs", {})
    assert path.status_code == 404
    assert (method.status_code, method.headers["allow"]) == (405, "PATCH, POST")
