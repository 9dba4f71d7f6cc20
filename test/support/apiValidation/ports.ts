import { type Json, objectsIn, own, textOf } from './json.js';
import { containersOf, type NamedContainer } from './podPlace.js';
import type { Path, Report } from './report.js';

export function validatePorts(container: Json, path: Path, report: Report): void {
  const names = new Set<string>();
  report.objects(container, 'ports', path).forEach((port, i) => {
    const at = `${path}.ports[${i}]`;
    const name = report.string(port, 'name', at) ?? '';
    if (name !== '' && names.has(name)) report.add(`${at}.name`, `Duplicate value: "${name}"`);
    if (
      name.length > 15 ||
      !(name === '' || (/^[-a-z0-9]+$/.test(name) && /[a-z]/.test(name) && !/--|^-|-$/.test(name)))
    )
      report.add(`${at}.name`, `Invalid value: "${name}"`);
    names.add(name);
    const containerPort = report.integer(port, 'containerPort', at) ?? 0;
    if (containerPort === 0) report.add(`${at}.containerPort`, 'Required value');
    else if (containerPort < 1 || containerPort > 65535)
      report.add(`${at}.containerPort`, `Invalid value: ${containerPort}`);
    const hostPort = report.integer(port, 'hostPort', at) ?? 0;
    if (hostPort < 0 || hostPort > 65535) report.add(`${at}.hostPort`, `Invalid value: ${hostPort}`);
    const protocol = report.string(port, 'protocol', at) ?? '';
    if (!['', 'TCP', 'UDP', 'SCTP'].includes(protocol))
      report.add(`${at}.protocol`, `Unsupported value: "${protocol}"`);
  });
}

/** The hostPort a port ends with: a Pod on the host's network gets its containerPort by default, a template does not. */
export function validateHostPorts(spec: Json, hostNetwork: boolean, specPath: Path, report: Report): void {
  const check = (containers: { container: Json; path: Path }[]): void => {
    const taken = new Set<string>();
    for (const { container, path } of containers)
      objectsIn(container, 'ports').forEach((port, i) => {
        const declared = own(port, 'hostPort') ?? 0;
        const hostPort = hostNetwork && declared === 0 ? own(port, 'containerPort') : declared;
        if (typeof hostPort !== 'number' || hostPort === 0) return;
        const key = `${textOf(port, 'protocol', 'TCP')}/${textOf(port, 'hostIP')}/${hostPort}`;
        if (taken.has(key))
          report.add(`${specPath}.${path}.ports[${i}].hostPort`, `Duplicate value: "${key}"`);
        taken.add(key);
        if (hostNetwork && path.startsWith('containers') && hostPort !== own(port, 'containerPort'))
          report.add(
            `${specPath}.${path}.ports[${i}].hostPort`,
            `Invalid value: ${hostPort}: must match \`containerPort\` when \`hostNetwork\` is true`,
          );
      });
  };
  const isTemplate = specPath !== 'spec';
  const effective = (list: NamedContainer[]): NamedContainer[] =>
    isTemplate && hostNetwork
      ? list.map((c) => ({ ...c, container: withDeclaredHostPortsOnly(c.container) }))
      : list;
  const all = effective(containersOf(spec));
  check(all.filter((c) => c.list === 'containers'));
  for (const init of all.filter((c) => c.list === 'initContainers')) check([init]);
}

const withDeclaredHostPortsOnly = (container: Json): Json => ({
  ...container,
  ports: objectsIn(container, 'ports').filter((port) => (own(port, 'hostPort') ?? 0) !== 0),
});
