"""The addresses of the pages. No trailing slash; what is looked at lives in the query."""

from __future__ import annotations

from allauth.account import views as allauth
from django.urls import path, re_path
from django.views.generic import RedirectView

from accounts.web import profile, projects
from generations.web import create, library, oversight, pictures, wallet, work

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url="/static/mark.svg")),
    path("", create.home, name="home"),
    path("older", create.older, name="older"),
    path("live", create.live, name="live"),
    path("quotes", create.quote, name="quote"),
    path("references", create.add_references, name="add_references"),
    path("generations", create.ask, name="ask"),
    path("generations/<uuid:generation_id>", work.generation, name="generation"),
    path("generations/<uuid:generation_id>/cancel", work.cancel, name="cancel"),
    path("generations/<uuid:generation_id>/retry", work.retry, name="retry"),
    path("library", library.library, name="library"),
    path("trash", library.trash, name="trash"),
    path("pictures/<uuid:asset_id>", pictures.picture, name="picture"),
    path("pictures/<uuid:asset_id>/trash", pictures.trash, name="trash_picture"),
    path("pictures/<uuid:asset_id>/restore", pictures.restore, name="restore_picture"),
    path("wallet", wallet.wallet, name="wallet"),
    path("projects", projects.projects, name="projects"),
    path("projects/<uuid:project_id>", projects.project, name="project"),
    path("projects/<uuid:project_id>/name", projects.rename, name="rename_project"),
    path("projects/<uuid:project_id>/members", projects.set_member, name="set_member"),
    path(
        "projects/<uuid:project_id>/members/<uuid:user_id>/remove",
        projects.remove_member,
        name="remove_member",
    ),
    path("projects/<uuid:project_id>/archive", projects.archive, name="archive_project"),
    path("settings", profile.settings, name="settings"),
    path("settings/name", profile.rename, name="rename"),
    path("settings/password", profile.change_password, name="change_password"),
    path("settings/keys", profile.create_key, name="create_key"),
    path("settings/keys/<uuid:key_id>/revoke", profile.revoke_key, name="revoke_key"),
    path("theme", profile.choose_theme, name="choose_theme"),
    path("oversight", oversight.oversight, name="oversight"),
    path("oversight/accounts/<uuid:account_id>/test", oversight.test_account, name="test_account"),
    path("oversight/accounts/<uuid:account_id>/switch", oversight.switch_account, name="switch_account"),
]

# allauth reverses these names; signing up is closed and says so.
urlpatterns += [
    path("sign-in", allauth.login, name="account_login"),
    path("sign-out", allauth.logout, name="account_logout"),
    path("sign-up", allauth.signup, name="account_signup"),
    path("sign-in/closed", allauth.account_inactive, name="account_inactive"),
    path("sign-in/again", allauth.reauthenticate, name="account_reauthenticate"),
    path("password/reset", allauth.password_reset, name="account_reset_password"),
    path("password/reset/sent", allauth.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/done",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("settings", profile.settings, name="account_change_password"),
    path("settings", profile.settings, name="account_email"),
]
