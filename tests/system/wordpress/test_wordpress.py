"""The WordPress plugin, in Debian's WordPress: what it lets be stored, what it purges."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.integration.integrations.purge_door import TOKEN, opened_door
from tests.integration.integrations.staleness import changed, purged
from tests.support.waiting import scaled
from tests.system.wordpress.blog import HOST, Blog, missing_packages, opened_blog

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(scaled(180)),
    pytest.mark.skipif(
        bool(missing_packages()), reason=f"not installed: {', '.join(missing_packages())}"
    ),
]


@pytest.fixture(scope="module")
async def blog(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Blog]:
    folder = tmp_path_factory.mktemp("blog")
    async with opened_door(folder) as door, opened_blog(folder, door) as blog:
        yield blog


@pytest.mark.parametrize(
    ("path", "life_s", "tags"),
    [
        ("/", 86400, {"home", "list-post"}),
        ("/mairie/", 86400, {"byline-1", "post-"}),
        ("/deux/", 36000, {"byline-1", "post-"}),
        ("/category/culture/", 86400, {"term-"}),
        ("/author/maire/", 86400, {"author-1"}),
        ("/feed/", 86400, {"feed", "list-post"}),
        ("/?s=deux", 600, {"search"}),
        ("/rien/", 3600, {"404"}),
    ],
)
async def test_an_anonymous_page_is_kept_under_its_tags(
    blog: Blog, path: str, life_s: int, tags: set[str]
) -> None:
    answer = await blog.visit("GET", path)

    assert answer.headers["cache-control"] == f"public, max-age=60, s-maxage={life_s}"
    for tag in tags:
        assert f'"{tag}' in answer.headers["cache-groups"]


async def test_what_is_a_visitors_own_is_kept_nowhere(blog: Blog) -> None:
    form = {"log": "maire", "pwd": "trois-mots-de-passe", "testcookie": "1"}
    asked = {"Cookie": "wordpress_test_cookie=WP+Cookie+check"}
    signed_in = await blog.visit("POST", "/wp-login.php", data=form, headers=asked)
    cookies = "; ".join(line.partition(";")[0] for line in signed_in.headers.get_list("set-cookie"))

    home = await blog.visit("GET", "/", headers={"Cookie": cookies})
    secret = await blog.visit("GET", "/secret/")

    assert "wp-admin-bar" in home.text
    for answer in (home, secret):
        assert answer.headers["cache-control"] == "private, no-store"
        assert "cache-groups" not in answer.headers


# What the editor does, and pages that it surely changes.
DEEDS: Mapping[str, set[str]] = {
    "draft": set(),
    "upload": set(),
    "transient": set(),
    "schedule": set(),
    "publish": {"/", "/feed/", "/nouvelle/", "/category/culture/", "/author/maire/"},
    "fall_due": {"/", "/feed/", "/prevue/"},
    "rewrite": {"/deux/", "/feed/"},
    "rewrite_page": {"/mairie/"},
    "classify": {"/un/", "/category/culture/"},
    "comment": {"/deux/"},
    "rename": {"/", "/trois/"},
    "trash": {"/", "/quatre/"},
    "menu": {"/", "/mairie/"},
    "widget": {"/", "/mairie/"},
    "title": {"/", "/mairie/", "/feed/"},
}
WHOLE_SITE = {"rename", "menu", "widget", "title"}


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_changes_is_purged(blog: Blog, deed: str) -> None:
    before = await blog.pages()

    await blog.have(deed)

    stale = changed(before, {path: await blog.answer(path) for path in before})
    assert DEEDS[deed] <= stale <= purged(before, blog.door), stale - purged(before, blog.door)
    assert blog.door.whole_site == (deed in WHOLE_SITE)
    assert bool(blog.door.asked) == bool(DEEDS[deed])


async def test_one_request_purges_all_that_a_publication_changes(blog: Blog) -> None:
    await blog.have("publish")

    (asked,) = blog.door.asked
    assert (asked.method, asked.target) == ("PURGE", "/")
    assert asked.headers["host"] == HOST
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_platform_that_does_not_answer_holds_no_editor_up(blog: Blog) -> None:
    clock = asyncio.get_running_loop()
    begun = clock.time()
    await blog.have("title")
    usual_s = clock.time() - begun
    blog.door.pause_s = 20

    begun = clock.time()
    await blog.have("rewrite_page")

    blog.door.pause_s = 0
    assert clock.time() - begun < usual_s + 2
    assert "pages may be stale" in blog.errors.read_text()


async def test_a_refusal_is_in_the_log(blog: Blog) -> None:
    blog.door.status = 401
    await blog.have("publish")
    blog.door.status = 200

    assert "HTTP/1.1 401" in blog.errors.read_text()
