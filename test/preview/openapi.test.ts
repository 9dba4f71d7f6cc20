import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import type { output } from 'zod';
import { openApiDocument } from '../../scripts/generated/openapi.js';
import type { AnnotatedPreview } from '../../src/preview/annotated.js';
import type { annotatedPreview } from '../../src/preview/annotatedSchema.js';
import { OPENAPI_DOCUMENT } from '../../src/preview/openapi.generated.js';

/** Each is assignable to the other, or this does not compile. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;

describe('OpenAPI document', () => {
  it('is an OpenAPI 3.1 document', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(
      structuredClone(OPENAPI_DOCUMENT) as Record<string, unknown>,
    );
    expect(valid, JSON.stringify(errors)).to.equal(true);
    expect(validator.version).to.equal('3.1');
  });

  it('is what the schemas say now', async () => {
    expect(OPENAPI_DOCUMENT).to.deep.equal(await openApiDocument());
  });

  it('describes every field, parameter, answer and header', () => {
    expect(undescribed(OPENAPI_DOCUMENT, '')).to.deep.equal([]);
  });

  it('uses every schema and answer that it names, and names every one that it uses', () => {
    const text = JSON.stringify(OPENAPI_DOCUMENT);
    const { schemas, responses } = (OPENAPI_DOCUMENT as { components: Record<string, object> }).components;
    const named = [
      ...Object.keys(schemas ?? {}).map((name) => `#/components/schemas/${name}`),
      ...Object.keys(responses ?? {}).map((name) => `#/components/responses/${name}`),
    ];
    const used = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    expect([...new Set(used)]).to.have.members(named);
  });

  it('describes the annotated answer as it is made', () => {
    const same: Same<output<typeof annotatedPreview>['lines'], AnnotatedPreview['lines']> = true;
    const keys: Same<keyof output<typeof annotatedPreview>, keyof AnnotatedPreview> = true;
    expect([same, keys]).to.deep.equal([true, true]);
  });
});

describe('the schemas of answers', () => {
  it('are imported for types alone by what serves: zod takes 75 ms to load', () => {
    const folder = new URL('../../src/preview/', import.meta.url);
    const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('Schema.ts'));
    const loading = files.filter((file) =>
      /^import (?!type )[^;]*'(?:zod|\.\/\w+Schema\.js)';$/m.test(
        readFileSync(new URL(file, folder), 'utf8'),
      ),
    );
    expect(files).to.include('routes.ts');
    expect(loading).to.deep.equal([]);
  });
});

/** The places where a property, parameter, header or response says nothing of what it is. */
function undescribed(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => undescribed(item, `${path}/${index}`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const own = `${path}/${key}`;
    if (key === 'default' || key === 'example') return [];
    const isNamed = /\/(?:properties|headers|responses|schemas|securitySchemes)$/.test(path);
    const isParameter = path.endsWith('/parameters');
    const says = inner as { description?: string; $ref?: string; $id?: string };
    const silent = (isNamed || isParameter) && says.description === undefined && says.$ref === undefined;
    return [...(silent ? [own] : []), ...undescribed(inner, own)];
  });
}
