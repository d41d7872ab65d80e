# Three images of the environment that uv.lock pins, for linux/amd64:
#   pipeline  a node of the pipeline on Kubeflow
#   worker    a Beam worker on Dataflow, Flink or Spark: the same, with Beam's launcher
#   serving   the local server of serving/; production has tensorflow/serving, see serving/k8s
# docker build --target pipeline --build-arg GIT_COMMIT=$(git rev-parse HEAD) --tag crosswind/pipeline .

# The Python of every stage, for a virtual environment works only beside its interpreter.
FROM python:3.11.16-slim-bookworm AS base

# Installs the lock, bytecode included, before code is copied: only a new lock installs anew. All of it is wheels or pure Python.
# What uv locks the environment with would be a file that everybody may write.
FROM base AS build
COPY .ci/uv.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/uv.txt
ENV UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy
WORKDIR /build
COPY pyproject.toml uv.lock ./
COPY .ci/sql_util .ci/sql_util
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev \
    && rm /opt/venv/.lock

# The environment and the code, which their user cannot write. Kubeflow says the command.
FROM base AS pipeline
RUN groupadd --gid 65532 crosswind \
    && useradd --uid 65532 --gid 65532 --no-log-init --create-home crosswind
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/crosswind \
    PYTHONUNBUFFERED=1
WORKDIR /opt/crosswind
COPY pyproject.toml uv.lock ./
COPY components components
COPY data data
COPY pipeline pipeline
COPY serving serving
COPY tflite tflite
RUN python -m compileall -q .
ARG GIT_COMMIT=unknown
# What the pipeline records in each manifest: there is no checkout in here to ask.
ENV GIT_COMMIT=$GIT_COMMIT
LABEL org.opencontainers.image.title="crosswind" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$GIT_COMMIT" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532

# Beam's launcher as the entry point, and pip, which it asks whether Beam is installed. It is told to use this environment:
# otherwise it makes a new one, which sees the base image's packages only.
FROM pipeline AS worker
# Root, as in Beam's own images: the launcher writes to its working folder, and Dataflow mounts its staging folder for root,
# says pangeo-data/pangeo-docker-images#360.
# hadolint ignore=DL3002
USER 0:0
RUN python -m ensurepip
COPY --from=apache/beam_python3.11_sdk:2.77.0 /opt/apache/beam /opt/apache/beam
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1
ENTRYPOINT ["/opt/apache/beam/boot"]

# TensorFlow Serving's protocols where that does not run; healthy while every model answers, whatever proxy
# Docker has put into its environment.
FROM pipeline AS serving
EXPOSE 8500 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-m", "serving.health"]
ENTRYPOINT ["python", "-m", "serving.local_server", "--host=0.0.0.0", "--models=/models"]
