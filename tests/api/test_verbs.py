"""Whatever a page can do, a program can do: each page verb has its operation (or a reason to have none)."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import RequestFactory
from django.urls import URLPattern

from generations.web.urls import urlpatterns

OPERATIONS = {
    "quote": "quote_generation",
    "add_references": "upload_asset",
    "make_final": "create_generation",
    "presets": "save_preset",
    "update_preset": "update_preset",
    "apply_preset": "get_preset",
    "delete_preset": "delete_preset",
    "restore_preset": "restore_preset",
    "pause_batch": "pause_batch",
    "resume_batch": "resume_batch",
    "cancel_batch": "cancel_batch",
    "compare": "compare",
    "quote_comparison": "quote_comparison",
    "judge_comparison": "vote",
    "arena": "vote",
    "ask": "create_generation",
    "cancel": "cancel_generation",
    "retry": "retry_generation",
    "download": "download_assets",
    "bulk": "change_assets",
    "undo": "change_assets",
    "bring": "upload_asset",
    "create_collection": "create_collection",
    "rename_collection": "update_collection",
    "delete_collection": "delete_collection",
    "restore_collection": "restore_collection",
    "choose_cover": "update_collection",
    "place_in_collection": "place_in_collection",
    "save_search": "save_search",
    "rename_search": "update_search",
    "delete_search": "delete_search",
    "find": "find_asset",
    "restore_chosen": "change_assets",
    "trash_picture": "trash_asset",
    "restore_picture": "restore_asset",
    "change_picture": "update_asset",
    "comment": "comment",
    "edit_comment": "edit_comment",
    "delete_comment": "delete_comment",
    "share_picture": "share_asset",
    "revoke_share": "revoke_share",
    "projects": "create_project",
    "rename_project": "update_project",
    "set_member": "add_member",
    "remove_member": "remove_member",
    "archive_project": "archive_project",
    "unarchive_project": "update_project",
    "choose_prompts": "update_project",
    "invite": "invite",
    "revoke_invitation": "revoke_invitation",
    "invitation": "accept_invitation",
    "read_notices": "read_notices",
    "erase_person": "erase_me",
    "set_budget": "set_budget",
    "remove_budget": "remove_budget",
}
OF_PAGES_ALONE = {
    "composer_mode": "which form is shown",
    "shared": "the password of somebody who has no key",
    "rename": "a person's own name and sign-in",
    "change_password": "a person's own name and sign-in",
    "create_key": "a key does not make keys",
    "revoke_key": "a key does not end keys",
    "choose_theme": "how pages look",
    "choose_language": "how pages speak",
    "test_account": "staff's, in oversight and the admin",
    "switch_account": "staff's, in oversight and the admin",
}
SIGNING_IN = "account_"


def verbs() -> list[str]:
    """The names of the addresses of pages that do something."""
    found = []
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        if pattern.name is None or pattern.name.startswith(SIGNING_IN):
            continue
        given: dict[str, Any] = {
            name: uuid.uuid4() if type(kind).__name__ == "UUIDConverter" else "x"
            for name, kind in pattern.pattern.converters.items()
        }
        answer = pattern.callback(RequestFactory().put("/"), **given)
        if "POST" in answer.headers.get("Allow", ""):
            found.append(pattern.name)
    return found


def test_every_page_verb_has_its_operation(schema: dict[str, Any]) -> None:
    known = {each["operationId"] for item in schema["paths"].values() for each in item.values()}
    done = set(verbs()) - set(OF_PAGES_ALONE)
    assert {name for name in done if OPERATIONS.get(name) not in known} == set(), "only pages can do these"


def test_the_table_names_no_verb_that_is_gone() -> None:
    assert set(OPERATIONS) | set(OF_PAGES_ALONE) == set(verbs())
