import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metrics, REFUSALS } from '../../src/telemetry/metrics.js';
import { build, find, MANIFESTS } from './support/manifests.js';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
}

const DASHBOARD = 'components/monitoring/dashboard.json';

describe('manifests: monitoring', () => {
  const objects = build('overlays/self-signed', ['components/monitoring']);
  const groups = (find(objects, 'PrometheusRule')['spec'] as { groups: { rules: Alert[] }[] }).groups;
  const alerts = groups.flatMap(({ rules }) => rules);
  const dashboard = JSON.parse(readFileSync(join(MANIFESTS, DASHBOARD), 'utf8')) as Dashboard;
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  const expressions = [
    ...alerts.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel ${title}`, expr] as const)),
  ];
  const { families, histograms } = new Metrics({ version: '0' });
  const known = [
    ...families.map(({ name }) => name),
    ...histograms.flatMap(({ name }) => [`${name}_bucket`, `${name}_sum`, `${name}_count`]),
  ];

  for (const [name, expr] of expressions) {
    it(`${name} asks for metrics that there are, of this job`, () => {
      const ours = [...expr.matchAll(/\bkube_harden_\w+/g)];
      for (const [metric] of ours) expect(known).to.include(metric);
      for (const { index, 0: metric } of ours)
        expect(expr.slice(index + metric.length), metric).to.match(/^\{job="kube-harden"/);
    });
  }

  it('every kube_harden_ metric that the texts name exists too', () => {
    const texts = alerts.map(({ annotations }) => JSON.stringify(annotations)).join('\n');
    for (const [metric] of texts.matchAll(/\bkube_harden_\w+/g)) expect(known).to.include(metric);
  });

  it('every reason for a refusal that an alert names is one, and none stands in two', () => {
    const named = alerts.flatMap(({ expr }) => (/reason=~"([^"]+)"/.exec(expr)?.[1] ?? '').split('|')).filter((name) => name !== '');
    expect(REFUSALS).to.include.members(named);
    expect(new Set(named).size).to.equal(named.length);
  });

  it('every alert has a name of its own, a severity, and says what to do', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).to.equal(alerts.length);
    for (const { alert, labels, annotations } of alerts) {
      expect(alert).to.match(/^KubeHarden[A-Z]/);
      expect(labels.severity, alert).to.be.oneOf(['critical', 'warning']);
      expect(annotations.summary, alert).to.match(/\S/);
      expect(annotations.description, alert).to.match(/\S/);
    }
  });

  it('the ServiceMonitor finds the Service, and calls the job what the expressions ask for', () => {
    const monitor = find(objects, 'ServiceMonitor')['spec'] as {
      jobLabel: string;
      selector: { matchLabels: Record<string, string> };
      endpoints: { port: string }[];
    };
    const found = objects.filter(
      ({ kind, metadata }) =>
        kind === 'Service' &&
        Object.entries(monitor.selector.matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
    );
    expect(found.map(({ metadata }) => metadata.name)).to.deep.equal(['kube-harden-metrics']);
    expect(found[0]?.metadata.labels?.[monitor.jobLabel]).to.equal('kube-harden');
    const { ports } = found[0]?.['spec'] as { ports: { name: string }[] };
    expect(ports.map(({ name }) => name)).to.include.members(monitor.endpoints.map(({ port }) => port));
  });

  it('the dashboard is in the ConfigMap that Grafana looks for, under a name that stays', () => {
    const text = readFileSync(join(MANIFESTS, 'components/monitoring/kustomization.yaml'), 'utf8');
    expect(text).to.include('kube-harden.json=dashboard.json').and.to.include("grafana_dashboard: '1'");
    expect(text).to.include('disableNameSuffixHash: true');
  });

  it('the panels of the dashboard have ids of their own, say what they show, and do not overlap', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).to.equal(dashboard.panels.length);
    for (const { title, description } of panels) expect(description, title).to.match(/\S/);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${String(x + (cell % w))},${String(y + Math.floor(cell / w))}`),
    );
    expect(new Set(cells).size).to.equal(cells.length);
  });
});
