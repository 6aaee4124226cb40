# docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag cloudflare-tunnel-exporter:0.1.0 .
#
# RUNTIME needs nothing but Node 24 (no shell, no npm), so it may also be gcr.io/distroless/nodejs24-debian12.
ARG BASE=docker.io/library/node:24-slim
ARG RUNTIME=${BASE}

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=peer
COPY tsconfig.json ./
COPY src ./src
RUN npm run build
ARG REVISION=
RUN printf '%s\n' "$REVISION" > dist/REVISION

FROM ${BASE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Our optional dependencies are Node itself, which the base has.
RUN npm ci --ignore-scripts --omit=dev --omit=optional
# bcrypt's native part is an optional dependency of its own, one package per platform.
COPY --from=build /app/node_modules/@node-rs ./node_modules/@node-rs

FROM ${RUNTIME}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="cloudflare-tunnel-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Cloudflare Tunnels" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# These keep the C library's heap small (docs/decisions/0006); distroless has node in /nodejs/bin.
ENV MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=65536 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    PATH=/usr/local/bin:/usr/bin:/bin:/nodejs/bin
WORKDIR /app
COPY LICENSE package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 20240
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["node", "/app/dist/main.js", "healthcheck"]
ENTRYPOINT ["node", "--max-semi-space-size=2", "/app/dist/main.js"]
