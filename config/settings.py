"""Every setting, in one flat file. The README documents the variables, docs/operations.md the rarer ones."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import whitenoise.compress
from csp.constants import NONE, SELF

from config import env
from config.embedded import postgres
from providers.registry import ADAPTERS

BASE_DIR = env.BASE_DIR
if not os.environ.get("SEEDBANK_TESTING"):
    env.read_dotenv(BASE_DIR / ".env")

# ── where things are ────────────────────────────────────────────────────────────
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()
EMBEDDED = not env.text("DATABASE_URL")
PORT = env.integer("PORT", 8000, low=1, high=65535)
PUBLIC_URL = env.origin("PUBLIC_URL", f"http://localhost:{PORT}")
RUNS_AT = DATA_DIR / "runs_at"  # PUBLIC_URL of a running `up`, for commands beside it
SANDBOX = env.boolean("SANDBOX", EMBEDDED)
SANDBOX_PORT = env.integer("SANDBOX_PORT", PORT + 100 if PORT < 64_900 else PORT - 100, low=1, high=65_000)
SANDBOX_LATENCY = float(env.integer("SANDBOX_LATENCY", 3, high=600))

SECRET_KEY = env.kept_secret("SECRET_KEY", DATA_DIR, embedded=EMBEDDED)
FIELD_KEYS = env.field_keys(env.kept_secret("FIELD_KEYS", DATA_DIR, embedded=EMBEDDED))

DEBUG = False
_public = urlsplit(PUBLIC_URL)
PUBLIC_HOST = str(_public.hostname)
_secure = _public.scheme == "https"
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]", env.host(PUBLIC_URL)]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# ── applications ────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
    "accounts",
    "providers",
    "billing",
    "generations",
]

MIDDLEWARE = [
    "config.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.api.Worded",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "generations.web.context.chrome",
            ],
        },
    }
]

# ── database: PostgreSQL everywhere ─────────────────────────────────────────────
_conninfo = postgres.conninfo(DATA_DIR) if EMBEDDED else env.postgres("DATABASE_URL")
DATABASES = {
    "default": {
        "ENGINE": "config.database",
        "NAME": _conninfo.pop("dbname"),
        **{name.upper(): _conninfo.pop(name, "") for name in ("user", "password", "host", "port")},
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "tcp_user_timeout": 20_000,  # milliseconds: a server that vanished is noticed
            **_conninfo,
            # A longer reconnect_timeout lets the gaps between two tries grow beyond any patience.
            "pool": {"min_size": 1, "max_size": 24, "timeout": 5, "max_idle": 120, "reconnect_timeout": 5},
            # The address's own come last, and so count.
            "options": "-c statement_timeout=15s -c lock_timeout=3s "
            f"-c idle_in_transaction_session_timeout=30s {_conninfo.pop('options', '')}".rstrip(),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── broker: messages only wake; losing all of them loses no work ────────────────
BROKER_URL = env.broker("BROKER_URL")
CELERY_BROKER_URL = BROKER_URL or "letterbox://localhost//"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
if BROKER_URL.startswith("redis"):
    _redelivery = env.integer("BROKER_VISIBILITY_TIMEOUT", 600, low=1)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": _redelivery,
        "unacked_restore_interval": max(1, min(5, _redelivery // 6)),
        "unacked_restore_throttle": max(1, min(2, _redelivery // 6)),
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
elif not BROKER_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker" / "messages"),
        "data_folder_out": str(DATA_DIR / "broker" / "messages"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "polling_interval": 0.1,
    }
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "net"
CELERY_TASK_ROUTES = {
    "generations.tasks.tidy": {"queue": "media"},
    "generations.tasks.keep_house": {"queue": "media"},
}
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "generations.tasks.sweep", "schedule": 10.0, "options": {"expires": 10}},
    "keep_house": {"task": "generations.tasks.keep_house", "schedule": 10.0, "options": {"expires": 10}},
    "tidy": {"task": "generations.tasks.tidy", "schedule": 3600.0, "options": {"expires": 600}},
}

# ── storage ─────────────────────────────────────────────────────────────────────
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "files")},
    },
    "originals": env.storage("STORAGE_URL", DATA_DIR / "pictures"),
    # Compressing takes half a minute, which the image spends once and `make run` would spend each time.
    "staticfiles": {"BACKEND": "config.static.Hashed" if EMBEDDED else "config.static.HashedAndCompressed"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("map", *whitenoise.compress.Compressor.SKIP_COMPRESS_EXTENSIONS)
SCRATCH_DIR = Path(env.text("SCRATCH_DIR", str(DATA_DIR / "scratch")))
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
LINK_TTL = env.integer("LINK_TTL", 604_800, low=60)
DATA_UPLOAD_MAX_MEMORY_SIZE = 192 * 1024 * 1024  # references may come as data URIs; views cap each kind
DATA_UPLOAD_MAX_NUMBER_FILES = 500
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

# ── people ──────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/sign-in"
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXIES", 0, high=10)  # whose X-Forwarded-For is believed
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
globals().update(env.email("EMAIL_URL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", "seedbank@localhost")

# ── API ─────────────────────────────────────────────────────────────────────────
WAITERS_MAX = env.integer("WAITERS_MAX", 32, low=1, high=64)  # of the web process's 64 threads
API_RATE = env.integer("API_RATE", None, low=1)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.answer_error",
    "DEFAULT_THROTTLE_CLASSES": ["accounts.throttling.KeyRate"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Seedbank",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
}

# ── security ────────────────────────────────────────────────────────────────────
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # a probe inside the network speaks plain HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _secure else None
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _secure
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "generations.web.errors.csrf_failure"
_media_origins = [
    f"{urlsplit(str(value)).scheme}://{urlsplit(str(value)).netloc}"
    for name in ("endpoint_url", "public_endpoint_url")
    if (value := STORAGES["originals"].get("OPTIONS", {}).get(name))  # type: ignore[attr-defined]
]
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ("/api/docs",),
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "blob:", "data:", *_media_origins],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# ── words, times, log ───────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# A host of another name is a stranger's scan; whoever means well is told the remedy.
_QUIETER = {"httpx": "WARNING", "httpcore": "WARNING", "django.security.DisallowedHost": "CRITICAL"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.one_of("LOG_LEVEL", "INFO", LEVELS)},
    "loggers": {name: {"level": level} for name, level in _QUIETER.items()},
}

# ── providers ───────────────────────────────────────────────────────────────────
PROVIDER_ENV = {
    slug: {
        "api_key": env.secret(f"{slug.upper()}_API_KEY"),
        "base_url": env.origin(f"{slug.upper()}_BASE_URL", ""),
        "max_in_flight": env.integer(f"{slug.upper()}_MAX_IN_FLIGHT", None, low=1),
        "rpm": env.integer(f"{slug.upper()}_RPM", None, low=1),
    }
    for slug in ADAPTERS
}
