# Two stages: compilers, tests and npm stay behind.
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# What the package has, with what it needs to run on this platform.
RUN npm run build \
 && mkdir -p /app \
 && tar -xzf "$(npm pack --silent --ignore-scripts)" -C /app --strip-components=1 \
 && npm prune --omit=dev \
 && rm -rf node_modules/@libsql/*-musl node_modules/@photostructure/sqlite/prebuilds/*musl* \
    node_modules/@photostructure/sqlite/prebuilds/darwin-* node_modules/@photostructure/sqlite/prebuilds/win32-* \
 && mv node_modules /app/node_modules

FROM debian:12.12-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 WORKER_PORT=4002 ORAMA_DATA_DIR=/data
RUN useradd --uid 1000 --user-group --home-dir /data --shell /usr/sbin/nologin orama \
 && mkdir /data \
 && chown orama:orama /data
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app ./
COPY deploy/docker/entrypoint.sh /usr/local/bin/orama-entrypoint
USER 1000:1000
VOLUME /data
EXPOSE 4000 4001 4002
STOPSIGNAL SIGTERM
# A web process listens on PORT, a worker on WORKER_PORT.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "const { PORT, WORKER_PORT } = process.env; Promise.any([PORT, WORKER_PORT].map((port) => fetch('http://127.0.0.1:' + port + '/health'))).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["orama-entrypoint"]
CMD ["up"]
