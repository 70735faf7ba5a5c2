"""Create the administrator's account of the wiki unless it exists.

Run at each deployment, after ``prepare_repository``. The password is then the administrator's.
"""

import os
from datetime import UTC, datetime

from otterwiki.server import User, db
from werkzeug.security import generate_password_hash

import settings
from wiki import application


def prepare_administrator() -> str:
    """Create what is missing and say it in one sentence."""
    with application.app_context():
        if User.query.filter_by(email=settings.ADMIN_USER_EMAIL).first():
            return "the administrator stays as they are"
        now = datetime.now(UTC)
        password = os.environ["WIKI_ADMIN_PASSWORD"]
        administrator = User(
            name="Administration du wiki",
            email=settings.ADMIN_USER_EMAIL,
            password_hash=generate_password_hash(password, method="scrypt"),
            first_seen=now,
            last_seen=now,
            is_admin=True,
            is_approved=True,
            email_confirmed=True,
        )
        db.session.add(administrator)
        db.session.commit()
    return f"created the account {settings.ADMIN_USER_EMAIL}"


if __name__ == "__main__":
    print(prepare_administrator())
