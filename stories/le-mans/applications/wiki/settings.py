"""Settings of the wiki, read by Otter Wiki through ``OTTERWIKI_SETTINGS``."""

import os
from pathlib import Path

# A folder of the persistent volume; the pages are a git repository inside it.
FOLDER = Path(os.environ.get("WIKI_FOLDER", "/volumes/wiki"))
REPOSITORY = str(FOLDER / "repository")
SQLALCHEMY_DATABASE_URI = f"sqlite:///{FOLDER / 'accounts.sqlite'}"
SECRET_KEY = os.environ["WIKI_SECRET_KEY"]

SITE_NAME = "Wiki des services"
SITE_DESCRIPTION = "Le savoir-faire des services de la ville, écrit par ceux qui le pratiquent."
SITE_LANG = "fr"
HIDE_LOGO = True
RETAIN_PAGE_NAME_CASE = True
COMMIT_MESSAGE = "OPTIONAL"

READ_ACCESS = "ANONYMOUS"
WRITE_ACCESS = "REGISTERED"
ATTACHMENT_ACCESS = "REGISTERED"
DISABLE_REGISTRATION = False
AUTO_APPROVAL = True
# The application has no network, so no mail can leave it.
EMAIL_NEEDS_CONFIRMATION = False
NOTIFY_ADMINS_ON_REGISTER = False
NOTIFY_USER_ON_APPROVAL = False
# With an administrator named here, the first visitor who registers does not become one.
ADMIN_USER_EMAIL = "wiki@ville.example"

SESSION_COOKIE_SECURE = True
REMEMBER_COOKIE_SECURE = True
REMEMBER_COOKIE_SAMESITE = "Lax"
MAX_FORM_MEMORY_SIZE = 2_000_000
# Style sheets and scripts change with a deployment only.
SEND_FILE_MAX_AGE_DEFAULT = 3600
