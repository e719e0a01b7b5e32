"""Who runs the embedded server, from where, with which programs.

An ordinary user runs it himself, from the data folder. Root lends it to an unprivileged user.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.embedded import EmbeddedError, binaries

SHELF = Path("/var/lib/seedbank")  # for root only
STRANGERS = ("postgres", "nobody")  # users to lend the server to: the first that exists


@dataclass(frozen=True)
class Tenant:
    """A folder for the cluster, the user it belongs to (None: ourselves), the programs that user can run."""

    home: Path
    programs: Path
    uid: int | None = None
    gid: int | None = None

    def run(self, program: str, *arguments: str, keep: int | None = None) -> tuple[int, str]:
        """Run one of PostgreSQL's programs in `home` as the tenant; its exit code and what it said.

        `keep` is a descriptor to hand down. In a session of its own: Ctrl-C is for us, not for the server.
        """
        try:
            done = subprocess.run(
                [self.programs / program, *arguments],
                cwd=self.home,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                pass_fds=() if keep is None else (keep,),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        except OSError as refused:
            raise EmbeddedError(f"PostgreSQL's program {program} could not be run: {refused}.") from refused
        return done.returncode, done.stdout.strip()

    def folder(self, path: Path) -> None:
        """Make a folder that the tenant alone may enter; refuse one that somebody else put there."""
        owner = os.geteuid() if self.uid is None else self.uid
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
                raise EmbeddedError(
                    f"{path} is not a folder of the database's user alone: remove it and start again."
                ) from None
        else:
            if self.uid is not None and self.gid is not None:
                os.chown(path, self.uid, self.gid)


def settle(place: Path) -> Tenant:
    """Find or make the folder of the cluster known as `place`. Raises EmbeddedError, PermissionError."""
    programs = binaries.program("postgres").parent
    if os.geteuid() != 0:
        place.mkdir(mode=0o700, exist_ok=True)
        if place.stat().st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(place))
        return Tenant(place, programs)
    if place.is_symlink() and not place.exists():
        raise EmbeddedError(
            f"{place} points to {place.readlink()}, which is gone: bring it back, or remove the link to "
            "begin with an empty database."
        )
    uid, gid = _lodger(place)
    try:
        if not place.exists():
            _lay_out(place, uid, gid)
        if not _may(uid, gid, str(programs / "postgres"), "--version"):
            programs = binaries.copied_to(_shelf())
    except OSError as refused:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and a place for it could not be made: {refused}. Run as an "
            "ordinary user, or set DATABASE_URL to a PostgreSQL server."
        ) from refused
    return Tenant(place.resolve(), programs, uid, gid)


def _lodger(place: Path) -> tuple[int, int]:
    """The user root lends the server to: whoever owns the cluster already, else one of STRANGERS."""
    for path in (place / "data", place):
        if path.exists() and (owner := path.stat()).st_uid != 0:
            return owner.st_uid, owner.st_gid
    for name in STRANGERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise EmbeddedError(
        f"PostgreSQL does not run as root, and this system has no user {' or '.join(STRANGERS)}: run as an "
        "ordinary user, or set DATABASE_URL to a PostgreSQL server."
    )


def _lay_out(place: Path, uid: int, gid: int) -> None:
    """Make the cluster's folder at `place` if that user can reach it, else on the shelf with a link to it."""
    if _may(uid, gid, "/bin/sh", "-c", 'cd -- "$0"', str(place.parent)):
        place.mkdir()
        place.chmod(0o755)
        return
    home = Path(tempfile.mkdtemp(prefix="cluster-", dir=_shelf()))
    home.chmod(0o755)
    (home / "belongs-to").write_text(f"{place}\n")
    place.symlink_to(home)


def _shelf() -> Path:
    if not SHELF.exists():
        SHELF.mkdir(parents=True)
        SHELF.chmod(0o755)
    return SHELF


def _may(uid: int, gid: int, *command: str) -> bool:
    """Whether that user can run a command."""
    try:
        done = subprocess.run(
            command,
            cwd="/",
            user=uid,
            group=gid,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0
