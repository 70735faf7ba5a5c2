"""Name the tags under which the answers of the site are stored.

A page carries its own tag, the link tag of each page above it, the menu's, and the tag of each kind
of pages that it lists. What is no page carries one tag.
"""

MENU = "menu"
SITEMAP = "sitemap"
# A first publication or a new redirect gives an answer to an address that had none.
ADDRESSES_WITHOUT_PAGE = "no-page"


def page_tag(page_pk: object) -> str:
    """Name the tag of a page's own answers."""
    return f"page-{page_pk}"


def link_tag(page_pk: object) -> str:
    """Name the tag of the answers that show a page's title and address above their own."""
    return f"link-{page_pk}"


def list_tag(kind: str) -> str:
    """Name the tag of the answers that list the pages of a kind, a model's name in lower case."""
    return f"list-{kind}"


def document_tag(document_pk: object) -> str:
    """Name the tag of a document's file."""
    return f"document-{document_pk}"
