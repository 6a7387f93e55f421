# syntax=docker/dockerfile:1
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc prisma.config.ts codegen.ts schema.graphql ./
COPY prisma prisma
COPY src src
COPY scripts scripts
RUN npm ci --no-audit --no-fund \
  && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
# git: agents read the history of the repositories that they work on. tini: reaps what agents leave. bubblewrap: keeps
# agents apart, where the container is allowed to.
RUN apt-get update -qq \
  && apt-get install -y -qq --no-install-recommends bubblewrap git tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production TUTTI_HOST=0.0.0.0 TUTTI_PORT=4000 TUTTI_DATA_DIR=/data
WORKDIR /app
COPY --from=build --chown=node:node /app/node_modules node_modules
COPY --from=build --chown=node:node /app/src src
COPY --chown=node:node package.json schema.graphql ./
COPY --chown=node:node prisma prisma
RUN mkdir -p /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.TUTTI_PORT + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--"]
CMD ["node", "src/main.ts"]
