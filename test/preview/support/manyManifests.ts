/** YAML as people write it, about so many bytes: many small documents, one List of them, or three with many containers. */
export type Shape = 'documents' | 'list' | 'large';

export function manyManifests(shape: Shape, bytes: number): string {
  const count = Math.ceil(bytes / deployment(1000, 1).length);
  if (shape === 'large') {
    const containers = Math.ceil(bytes / 3 / sidecar(100).length);
    return [0, 1, 2].map((index) => deployment(index, containers)).join('---\n');
  }
  const documents = Array.from({ length: count }, (_, index) => deployment(index, 1));
  if (shape === 'documents') return documents.join('---\n');
  const items = documents.map((text) => `- ${text.trimEnd().replaceAll('\n', '\n  ')}\n`);
  return `apiVersion: v1\nkind: List\nitems:\n${items.join('')}`;
}

function deployment(index: number, sidecars: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-${index} # the shop's front
  namespace: team-${index % 20}
  labels: {app: web-${index}, tier: front}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web-${index}
  template:
    metadata:
      labels:
        app: web-${index}
        tier: front
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
    spec:
      serviceAccountName: web
      containers:
        - name: web
          image: registry.example/shop/web:1.4.${index}
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: DATABASE_URL
              valueFrom: {secretKeyRef: {name: db, key: url}}
            - name: LOG_LEVEL
              value: info
          readinessProbe:
            httpGet: {path: /ready, port: http}
            periodSeconds: 5
          # the cache is small
          volumeMounts:
            - name: cache
              mountPath: /var/cache/web
${Array.from({ length: sidecars }, (_, number) => sidecar(number)).join('')}      volumes:
        - name: cache
          emptyDir: {}
`;
}

function sidecar(number: number): string {
  return `        - name: metrics-${number}
          image: registry.example/shop/metrics:2.0.1
          args: ["--listen", ":9090"]
          resources:
            requests: {cpu: 10m, memory: 16Mi}
`;
}
