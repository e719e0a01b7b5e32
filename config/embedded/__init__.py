"""Everything one machine needs to run Seedbank without installing a server."""


class EmbeddedError(Exception):
    """The embedded default cannot run here. The message says in a sentence why, and what to do."""
