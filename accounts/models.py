"""People, the keys that act for them, and the projects they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from uuid6 import uuid7

if TYPE_CHECKING:
    from accounts.principal import Principal


class UserManager(BaseUserManager["User"]):
    """Makes users; ``actions.create_user`` is what people's verbs call."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the name they sign in with."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    language = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="As chosen; empty: the browser's"
    )
    erased_at = models.DateTimeField(
        null=True, editable=False, help_text="Since then nobody: who they were is gone, what they made stays"
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return _("a former member") if self.erased_at else self.name or self.email.partition("@")[0]

    def is_known_in(self, project: Project) -> bool:
        """Whether the address tells who it is: it is proved, or the person is or was in the project.

        Whoever comes by a link may write any address.
        """
        if not self.emailaddress_set.filter(verified=False).exists():  # type: ignore[attr-defined]
            return True
        gone = AuditEvent.objects.filter(project=project, verb="remove_member", detail__user=str(self.id))
        return self.memberships.filter(project=project).exists() or gone.exists()


class Role(models.TextChoices):
    """What a person may do in a project, from least to most."""

    VIEWER = "viewer", gettext_lazy("Viewer")
    EDITOR = "editor", gettext_lazy("Editor")
    OWNER = "owner", gettext_lazy("Owner")

    @classmethod
    def at_least(cls, role: Role) -> list[Role]:
        order = [cls.VIEWER, cls.EDITOR, cls.OWNER]
        return order[order.index(role) :]


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, principal: Principal) -> ProjectQuerySet:
        """Projects the principal is a member of; a key bound to a project sees that one only."""
        mine = self.filter(memberships__user=principal.user)
        return mine.filter(id=principal.project_id) if principal.project_id else mine

    def where_may(self, principal: Principal, role: Role) -> ProjectQuerySet:
        """Those of them in which the principal is at least ``role``."""
        roles = Role.at_least(role)
        return self.visible_to(principal).filter(
            memberships__in=Membership.objects.filter(user=principal.user, role__in=roles)
        )


ProjectManager = models.Manager.from_queryset(ProjectQuerySet)


class Project(models.Model):
    """What people share: pictures, work, a budget."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    prompts_in_pictures = models.BooleanField(
        default=True, db_default=True, help_text="Whether downloads say in their metadata what was asked for"
    )

    objects = ProjectManager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.project}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        """Those that still let somebody in: whoever invited must still be an owner there."""
        mine = models.Q(
            project__memberships__user=models.F("invited_by"), project__memberships__role=Role.OWNER
        )
        alive = self.filter(expires_at__gt=Now(), revoked_at=None, accepted_at=None)
        return alive.filter(mine, invited_by__is_active=True)


InvitationManager = models.Manager.from_queryset(InvitationQuerySet)


class Invitation(models.Model):
    """A way into a project: by e-mail for one person, without an address for whoever has the link, once.

    Its address is its id, signed: nothing in the database lets anybody in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationManager()

    def __str__(self) -> str:
        return f"{self.email or 'link'} into {self.project}"


class Scope(models.TextChoices):
    """What a key may be used for."""

    GENERATE = "generate", gettext_lazy("Make pictures")
    READ = "read", gettext_lazy("Read")
    WRITE = "write", gettext_lazy("Change and upload")
    ADMIN = "admin", gettext_lazy("Administer")


class ApiKey(models.Model):
    """A program acting for a person. The secret is shown once and kept as a keyed hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.BinaryField(editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), default=list)
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, help_text="Bound to this project, or to all"
    )
    networks = ArrayField(
        models.CharField(max_length=50), default=list, db_default=[], help_text="Used from these, or anywhere"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    rate_minute = models.DateTimeField(null=True, editable=False, help_text="The minute rate_calls are of")
    rate_calls = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    def __str__(self) -> str:
        return f"{self.name} (sb_{self.prefix}…)"


class AuditEvent(models.Model):
    """Who did what to what, when. Written by actions, never changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    verb = models.CharField(max_length=50)
    subject = models.CharField(max_length=100)
    project = models.ForeignKey(Project, null=True, on_delete=models.SET_NULL, related_name="+")
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["subject", "at"], name="audit_subject"),
            models.Index(
                fields=["project", "-id"], condition=models.Q(project__isnull=False), name="audit_project"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"
