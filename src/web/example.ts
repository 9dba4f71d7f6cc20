/** Written as most manifests are: nothing of security is said. */
export const EXAMPLE = `# A Deployment as it is often written: it says nothing of users, capabilities or limits.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example/shop/web:1.4.2
          ports:
            - containerPort: 80
          # Writes its cache here.
          volumeMounts:
            - name: cache
              mountPath: /var/cache/web
      volumes:
        - name: cache
          emptyDir: {}
`;
