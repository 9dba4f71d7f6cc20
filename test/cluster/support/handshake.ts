import { connect } from 'node:tls';
import type { CertificateCluster } from './certificateCluster.js';

/**
 * Of whoever trusts the caBundle, as an API server does.
 * @returns the fingerprint of what is served, or why it is refused
 */
export function handshake(cluster: CertificateCluster, port: number): Promise<string> {
  const ca = cluster.bundles.authorities.map(({ pem }) => pem);
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'kube-harden.kube-harden.svc',
      ca,
      rejectUnauthorized: true,
    });
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', (error: Error) => resolve(error.message));
  });
}
