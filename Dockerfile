# Plain instructions only (no RUN --mount, no syntax line): the classic builder and BuildKit both work.
FROM rust:1-slim-bookworm AS build
WORKDIR /build

# Dependencies have their own layer, built against empty sources, so that a change of our code does
# not compile them again. Cargo needs a file for every declared bench and test.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src benches tests \
 && echo 'fn main() {}' >src/main.rs \
 && touch src/lib.rs \
 && awk -F'"' '/^\[/ { dir = $0 == "[[bench]]" ? "benches" : $0 == "[[test]]" ? "tests" : "" } \
      dir && /^name/ { print "fn main() {}" >(dir "/" $2 ".rs") }' Cargo.toml \
 && cargo build --locked --profile dist

# COPY keeps the files' modification times, which may be older than the stubs'. Without the touch,
# Cargo would consider the build of the stubs up to date.
COPY . .
RUN touch src/main.rs src/lib.rs \
 && cargo build --locked --profile dist --bin pipeline-tui \
 && chmod 0555 target/dist/pipeline-tui

FROM debian:bookworm-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt /var/log/dpkg.log

# Named volumes that are mounted on these folders take over their owner. --no-log-init: the login
# logs are sparse files, which a layer would store in full.
RUN groupadd --gid 10001 pipeline \
 && useradd --uid 10001 --gid 10001 --no-log-init --create-home --shell /usr/sbin/nologin pipeline \
 && install -d -o 10001 -g 10001 -m 0700 /data /config /exports

COPY --from=build /build/target/dist/pipeline-tui /usr/local/bin/pipeline-tui

# XDG_CONFIG_HOME, not PIPELINE_CONFIG: a file named by the latter must exist.
ENV PIPELINE_DATA_DIR=/data XDG_CONFIG_HOME=/config
USER 10001:10001
# `bars --output FILE` writes into the volume.
WORKDIR /exports
STOPSIGNAL SIGTERM
# Checks that the store answers. It contacts no provider, so an idle container sends nothing.
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s CMD ["pipeline-tui", "doctor", "--store"]
ENTRYPOINT ["pipeline-tui"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pipeline-tui" \
      org.opencontainers.image.description="Keeps an SQL store of market bars complete, correct and fresh within what your data plan allows" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
