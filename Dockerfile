# One image for both programs. It runs the API by default, and the worker with `node packages/worker/src/main.ts`.

FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/domain/package.json packages/domain/
COPY packages/adapters/package.json packages/adapters/
COPY packages/http/package.json packages/http/
COPY packages/worker/package.json packages/worker/
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:26-bookworm-slim
# Nothing outside the container can reach loopback. On any other address, plain HTTP needs TLS_TERMINATED_UPSTREAM.
ENV NODE_ENV=production \
    HTTP_HOST=0.0.0.0
WORKDIR /app
# The packages stay in packages/, because Node does not strip types inside node_modules, which only links to them.
COPY --from=dependencies /app ./
COPY packages packages
USER 1000:1000
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="btc-price" \
      org.opencontainers.image.description="The bitcoin price, sampled every five minutes, stored, averaged and served" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
EXPOSE 5000 5001 5002
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["node", "--eval", "Promise.any((process.env.MANAGEMENT_PORT ?? `5001,5002`).split(`,`).map((port) => fetch(`http://127.0.0.1:${port}/live`))).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "packages/http/src/main.ts"]
