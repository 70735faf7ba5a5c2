"""Give an empty volume its repository and its first pages.

Run at each deployment, before anything imports Otter Wiki, which would write an English home page.
It never changes a repository that has a commit.
"""

from pathlib import Path

import git

import settings

PAGES = Path(__file__).parent / "pages"
AUTHOR = git.Actor("Service informatique", settings.ADMIN_USER_EMAIL)


def write_first_pages(repository: git.Repo, folder: Path) -> list[str]:
    """Commit a copy of the first pages and return their file names."""
    names = []
    for page in sorted(PAGES.glob("*.md")):
        (folder / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
        names.append(page.name)
    repository.index.add(names)
    repository.index.commit("Premières pages", author=AUTHOR, committer=AUTHOR)
    return names


def prepare_repository() -> str:
    """Create what is missing and say it in one sentence."""
    repository = git.Repo.init(settings.REPOSITORY, initial_branch="main")
    # Without a name, GitPython asks the system for the account of a user who may have none.
    with repository.config_writer() as configuration:
        configuration.set_value("user", "name", settings.SITE_NAME)
        configuration.set_value("user", "email", settings.ADMIN_USER_EMAIL)
    if repository.head.is_valid():
        return "the pages stay as they are"
    names = write_first_pages(repository, Path(settings.REPOSITORY))
    return f"wrote {len(names)} first pages"


if __name__ == "__main__":
    print(prepare_repository())
