# The image of every process of the platform: workers, sinks, producers, one-shot commands.
#
#   docker build -t quantiva-streams .
#   docker build -t quantiva-streams --build-arg EXTRAS=[sources,data] .    for parquet files too
#
# It holds neither the embedded broker and database nor anything for development.

FROM python:3.11-slim AS build
ARG EXTRAS="[sources]"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/quantiva
WORKDIR /src
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY transport transport
COPY streams streams
COPY marketdata marketdata
COPY producers producers
COPY simulator simulator
COPY sinks sinks
COPY embedded embedded
COPY quantiva quantiva
RUN /opt/quantiva/bin/pip install ".${EXTRAS}"

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/quantiva quantiva
COPY --from=build /opt/quantiva /opt/quantiva
ENV PATH=/opt/quantiva/bin:$PATH PYTHONUNBUFFERED=1 QUANTIVA_STATE_DIR=/var/lib/quantiva
USER quantiva
WORKDIR /var/lib/quantiva
VOLUME /var/lib/quantiva
# Ends with status 1 while broker, registry, database, topics or groups are not as they should be.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 CMD ["quantiva", "doctor"]
ENTRYPOINT ["quantiva"]
CMD ["worker"]
