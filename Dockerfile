# Caretaker in a container: docker build --tag caretaker:0.1.0 . (docs/deploying.md)
FROM python:3.13-bookworm AS builder
WORKDIR /build
COPY LICENSE MANIFEST.in README.md caretaker_cwmp.py pyproject.toml setup.cfg setup.py ./
COPY build_backend build_backend
COPY caretaker caretaker
# CARETAKER_PURE=0: the wheel is compiled, or this fails.
RUN python -m venv --without-pip /opt/caretaker && \
    CARETAKER_PURE=0 pip --python /opt/caretaker/bin/python install --no-cache-dir .

FROM python:3.13-slim-bookworm AS caretaker
RUN useradd --uid 10001 --create-home caretaker && install --directory --owner caretaker /runs
COPY --from=builder /opt/caretaker /opt/caretaker
COPY deploy/caretaker-run /usr/local/bin/
ENV PATH=/opt/caretaker/bin:$PATH PYTHONUNBUFFERED=1
# By number, so that Kubernetes can see that it is not root.
USER 10001
WORKDIR /runs
# Ends a run with its summary, as Ctrl-C does.
STOPSIGNAL SIGINT
ENTRYPOINT ["caretaker"]

# docker build --target locust-operator: Locust's operator gives options, but no command.
FROM caretaker AS locust-operator
ENTRYPOINT ["caretaker-run"]

# What is built without --target.
FROM caretaker
