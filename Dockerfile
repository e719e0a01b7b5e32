# syntax=docker/dockerfile:1
# One image for every process: `web` (the default), `net`, `media`, `beat`, or any manage.py command.

ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /seedbank
COPY requirements.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --require-hashes -r requirements.lock
COPY . .
# Static files need neither database nor secret, only settings that are not the embedded default's.
RUN DATA_DIR=/tmp/build STATIC_ROOT=/seedbank/static-collected SECRET_KEY=none \
    DATABASE_URL=postgres://none/none FIELD_KEYS=none:$(printf '%064d' 0) \
        /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib config accounts billing generations providers

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 seedbank \
    && useradd --uid 10001 --gid seedbank --no-create-home --home-dir /data --shell /usr/sbin/nologin seedbank \
    && install -d -o seedbank -g seedbank -m 0700 /data
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /seedbank /seedbank
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 \
    DATA_DIR=/data STATIC_ROOT=/seedbank/static-collected PORT=8000
WORKDIR /seedbank
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "config.embedded.processes", "healthy"]
ENTRYPOINT ["python", "-m", "config.embedded.processes"]
CMD ["web"]
