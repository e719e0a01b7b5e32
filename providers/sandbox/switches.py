"""Where the gateways' pages contradict each other or say nothing, a named switch chooses what is imitated."""

from collections.abc import Mapping

Value = str | bool | int

# name: the allowed values, the default first. An int stands for any whole number of seconds.
SWITCHES: Mapping[str, tuple[Value, ...]] = {
    "aig.code_type": ("string", "integer"),
    "aig.async_images": (False, True),
    "aig.strict_unknown_fields": (False, True),
    "aig.image_cache": (False, True),
    "aig.job_shape": ("docs", "sdk"),
    "aig.usage": (False, True),
    "aig.edit_images_array": (False, True),
    "aig.text_model": (False, True),
    "bs.surface": ("narrow", "union"),
    "bs.dup_status": (409, 400),
    "bs.unknown_model_status": (400, 404),
    "3d.result_keys": ("asset_url", "metadata"),
    "3d.error_shape": ("flat", "nested", "fields"),
    "3d.rate_counts_polls": (False, True),
    "3d.missing_slash": (301, 404),
    "3d.results_before_finish": ("empty", "null"),
    "3d.expired_results": ("dead_files", "empty"),
    "3d.retry_after": (True, False),
    "rw.webhook_shape": ("flat", "data"),
    "rw.balance_shape": ("number", "object"),
    "rw.failed_item_place": ("errors", "data"),
    "rw.conflict_status": (400, 200),
    "rw.unknown_task": ("empty", "taskNotFound"),
    "rw.unfinished": ("listed", "left_out"),
    "rw.upload_shape": ("object", "array"),
    "rw.sync_limit": (120, "never"),
    "pl.body_shape": ("both", "flat", "nested"),
    "pl.multi_output": ("output_urls", "outputs", "first"),
    "pl.sync_wait_limit": (60, "never"),
    "pl.webhook_shape": ("record", "data", "notice"),
}

SECONDS = frozenset({"rw.sync_limit", "pl.sync_wait_limit"})


class Switches:
    def __init__(self) -> None:
        self._values = {name: allowed[0] for name, allowed in SWITCHES.items()}

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def seconds(self, name: str) -> float:
        """A time limit; "never" is infinite."""
        value = self._values[name]
        return float("inf") if isinstance(value, str) else float(value)

    def turn(self, name: str, value: Value) -> None:
        """Raises ValueError, naming what is allowed."""
        if name not in SWITCHES:
            raise ValueError(f"There is no switch {name!r}.")
        seconds = name in SECONDS and isinstance(value, int) and not isinstance(value, bool) and value >= 0
        allowed = any(value == one and type(value) is type(one) for one in SWITCHES[name])
        if not (seconds or allowed):
            raise ValueError(f"{name} is one of {', '.join(map(repr, SWITCHES[name]))}, not {value!r}.")
        self._values[name] = value

    def all(self) -> dict[str, Value]:
        return dict(self._values)
