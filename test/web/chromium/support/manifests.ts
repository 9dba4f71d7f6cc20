/** One Deployment among many of a file. */
function deployment(index: number): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-${index}
  namespace: shop
  labels:
    app.kubernetes.io/name: service-${index}
    app.kubernetes.io/part-of: shop # a comment that stays
spec:
  replicas: 2
  selector:
    matchLabels: {app: service-${index}}
  template:
    metadata:
      labels: {app: service-${index}}
    spec:
      containers:
        - name: main
          image: registry.example/shop/service-${index}:1.4.2
          ports:
            - containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: info
`;
}

/** Documents of a real shape, until the file has so many bytes. */
export function manyDeployments(bytes: number): string {
  const documents: string[] = [];
  for (let length = 0; length < bytes; length += (documents.at(-1)?.length ?? 0) + 4) {
    documents.push(deployment(documents.length));
  }
  return documents.join('---\n');
}

export const DEPLOYMENT = deployment(1);

export const POD = `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/shop/web:1.4.2
`;
