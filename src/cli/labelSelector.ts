import { CommandError } from './commandError.js';

/** One requirement of a LabelSelector's `matchExpressions`. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

const NAME = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const DOMAIN = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*';
const KEY = new RegExp(`^(?:${DOMAIN}/)?${NAME}$`);
const VALUE = new RegExp(`^(?:${NAME})?$`);
/** Of a domain in a key (apimachinery, IsDNS1123Subdomain). */
const DOMAIN_MAX = 253;

/**
 * A label selector as kubectl's `-l` takes it: `app=web,tier!=db,env in (a,b),stage notin (c),owner,!legacy`.
 *
 * @param flag what is named in errors
 * @throws CommandError
 */
export function parseLabelSelector(text: string, flag: string): LabelRequirement[] {
  // Commas within brackets belong to a list of values.
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  return parts.map((part) => {
    const requirement = parsePart(part);
    const isDomainLong = (requirement?.key.indexOf('/') ?? 0) > DOMAIN_MAX;
    if (requirement && !isDomainLong && KEY.test(requirement.key) && requirement.values.every(isValue))
      return requirement;
    throw new CommandError(
      `${flag}: ${JSON.stringify(part)} is not of the form KEY=VALUE, KEY!=VALUE, KEY in (A,B), KEY notin (A,B), KEY or !KEY`,
    );
  });
}

const isValue = (value: string): boolean => VALUE.test(value);

function parsePart(part: string): LabelRequirement | undefined {
  const [, setKey, word, list] = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part) ?? [];
  if (setKey !== undefined && list !== undefined) {
    const values = list.split(',').map((value) => value.trim());
    return { key: setKey, operator: word === 'in' ? 'In' : 'NotIn', values };
  }
  const [, key, sign, value] = /^([^\s=!]+)\s*(==?|!=)\s*([^\s=!]*)$/.exec(part) ?? [];
  if (key !== undefined && value !== undefined)
    return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
  const [, not, alone] = /^(!?)\s*([^\s=!]+)$/.exec(part) ?? [];
  return alone === undefined
    ? undefined
    : { key: alone, operator: not === '!' ? 'DoesNotExist' : 'Exists', values: [] };
}
