"""Static files under names that say their content, also where one of our scripts imports another."""

from __future__ import annotations

from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestStaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Django would look into every script, also those of packages that say import and mean something else.
_IMPORTS = ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]


class Hashed(ManifestStaticFilesStorage):
    patterns = (*ManifestStaticFilesStorage.patterns, _IMPORTS)


class HashedAndCompressed(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    patterns = (*ManifestStaticFilesStorage.patterns, _IMPORTS)
