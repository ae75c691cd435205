# One image for every program:
#
#   docker build -t system-status:0.1.0 .
#   docker run system-status:0.1.0                     the exporter
#   docker run system-status:0.1.0 control_api         or jobqueue migrate, exporter --check, demo platform

FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS build
WORKDIR /src
COPY pyproject.toml requirements-build.lock requirements-image.lock README.md LICENSE ./
COPY jobqueue jobqueue
COPY exporter exporter
COPY control_api control_api
COPY demo demo
COPY system_status system_status
COPY alerts/rules alerts/rules
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The build backend stays in this stage; it installs the project beside the packages that the programs need.
RUN python -m venv /venv \
    && /venv/bin/pip install --require-hashes --requirement requirements-image.lock \
    && pip install --require-hashes --requirement requirements-build.lock \
    && pip install --no-deps --no-build-isolation --prefix /venv .

FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin system-status
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 9810 9811
# The exporter's; what runs another program says so.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9810/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m"]
CMD ["exporter"]
