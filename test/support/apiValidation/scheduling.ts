import type { Json } from './json.js';
import { isDns1123Subdomain, isLabelValue, isQualifiedName } from './names.js';
import type { Path, Report } from './report.js';

export function validateTolerations(spec: Json, specPath: Path, report: Report): void {
  report.objects(spec, 'tolerations', specPath).forEach((toleration, i) => {
    const path = `${specPath}.tolerations[${i}]`;
    const [key, operator, value, effect] = (['key', 'operator', 'value', 'effect'] as const).map(
      (name) => report.string(toleration, name, path) ?? '',
    );
    const seconds = report.integer(toleration, 'tolerationSeconds', path);
    if (key !== '' && !isQualifiedName(key ?? '')) report.add(`${path}.key`, `Invalid value: "${key}"`);
    if (key === '' && operator !== 'Exists')
      report.add(`${path}.operator`, 'Invalid value: operator must be Exists when `key` is empty');
    if (seconds !== undefined && effect !== 'NoExecute')
      report.add(
        `${path}.effect`,
        "Invalid value: effect must be 'NoExecute' when `tolerationSeconds` is set",
      );
    if (operator === '' || operator === 'Equal') {
      if (!isLabelValue(value ?? '')) report.add(`${path}.operator`, `Invalid value: "${value}"`);
    } else if (operator === 'Exists') {
      if (value !== '')
        report.add(`${path}.operator`, "Invalid value: value must be empty when `operator` is 'Exists'");
    } else {
      report.add(`${path}.operator`, `Unsupported value: "${operator}"`);
    }
    if (!['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect ?? ''))
      report.add(`${path}.effect`, `Unsupported value: "${effect}"`);
  });
}

export function validateNodeAffinity(spec: Json, specPath: Path, report: Report): void {
  const path = `${specPath}.affinity.nodeAffinity`;
  const affinity = report.object(spec, 'affinity', specPath);
  const node =
    affinity === undefined ? undefined : report.object(affinity, 'nodeAffinity', `${specPath}.affinity`);
  if (node === undefined) return;
  const required = report.object(node, 'requiredDuringSchedulingIgnoredDuringExecution', path);
  if (required !== undefined) {
    const at = `${path}.requiredDuringSchedulingIgnoredDuringExecution`;
    const terms = report.objects(required, 'nodeSelectorTerms', at);
    if (terms.length === 0)
      report.add(`${at}.nodeSelectorTerms`, 'Required value: must have at least one node selector term');
    terms.forEach((term, i) => {
      validateNodeSelectorTerm(term, `${at}.nodeSelectorTerms[${i}]`, true, report);
    });
  }
  report.objects(node, 'preferredDuringSchedulingIgnoredDuringExecution', path).forEach((preferred, i) => {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    const weight = report.integer(preferred, 'weight', at) ?? 0;
    if (weight <= 0 || weight > 100)
      report.add(`${at}.weight`, `Invalid value: ${weight}: must be in the range 1-100`);
    validateNodeSelectorTerm(
      report.object(preferred, 'preference', at) ?? {},
      `${at}.preference`,
      false,
      report,
    );
  });
}

function validateNodeSelectorTerm(term: Json, path: Path, checkValues: boolean, report: Report): void {
  report.objects(term, 'matchExpressions', path).forEach((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const operator = report.string(expression, 'operator', at) ?? '';
    const values = report.strings(expression, 'values', at);
    if (['In', 'NotIn'].includes(operator)) {
      if (values.length === 0)
        report.add(`${at}.values`, "Required value: must be specified when `operator` is 'In' or 'NotIn'");
    } else if (['Exists', 'DoesNotExist'].includes(operator)) {
      if (values.length > 0)
        report.add(
          `${at}.values`,
          "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
    } else if (['Gt', 'Lt'].includes(operator)) {
      if (values.length !== 1)
        report.add(
          `${at}.values`,
          "Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        );
    } else {
      report.add(`${at}.operator`, `Invalid value: "${operator}": not a valid selector operator`);
    }
    if (!isQualifiedName(report.string(expression, 'key', at) ?? ''))
      report.add(`${at}.key`, 'Invalid value');
    if (checkValues)
      values.forEach(
        (value, v) => !isLabelValue(value) && report.add(`${at}.values[${v}]`, `Invalid value: "${value}"`),
      );
  });
  report.objects(term, 'matchFields', path).forEach((field, i) => {
    const at = `${path}.matchFields[${i}]`;
    const operator = report.string(field, 'operator', at) ?? '';
    const values = report.strings(field, 'values', at);
    if (!['In', 'NotIn'].includes(operator))
      report.add(`${at}.operator`, `Invalid value: "${operator}": not a valid selector operator`);
    else if (values.length !== 1)
      report.add(`${at}.values`, "Required value: must be only one value when `operator` is 'In' or 'NotIn'");
    if (report.string(field, 'key', at) !== 'metadata.name')
      report.add(`${at}.key`, 'Invalid value: not a valid field selector key');
    values.forEach(
      (value, v) =>
        !isDns1123Subdomain(value) && report.add(`${at}.values[${v}]`, `Invalid value: "${value}"`),
    );
  });
}
