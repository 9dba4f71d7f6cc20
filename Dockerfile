# Two stages: what is needed to build stays out of the image. Runs as nobody's uid with a read-only root file system;
# certificates are mounted at /certs.
FROM node:20-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM gcr.io/distroless/nodejs20-debian12:nonroot
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY LICENSE ./
ENV NODE_ENV=production
USER 65532:65532
EXPOSE 8443 9443 8080
# Half of the young generation that Node.js would take, one thread for V8's background work in place of four, and no objects that
# are born old: answers come more evenly, from less memory (docs/performance.md).
ENTRYPOINT ["/nodejs/bin/node", "--disallow-code-generation-from-strings", "--max-semi-space-size=8", "--v8-pool-size=1", "--no-allocation-site-pretenuring", "/app/dist/main.js"]
CMD ["serve", "--tls-cert-file=/certs/tls.crt", "--tls-private-key-file=/certs/tls.key"]
