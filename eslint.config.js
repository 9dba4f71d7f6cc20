import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Imports point one way: main → cli → server → preview → admission → policy → images → hardening, with podSecurity
 * beside hardening and telemetry beside server. Each folder may import from itself and from those it is given here.
 */
const MAY_IMPORT = {
  hardening: [],
  podSecurity: ['hardening'],
  images: ['hardening'],
  policy: ['images', 'hardening'],
  admission: ['policy', 'images', 'hardening'],
  preview: ['admission', 'policy', 'images', 'podSecurity', 'hardening'],
  telemetry: ['admission', 'policy', 'hardening'],
  server: ['telemetry', 'preview', 'admission', 'policy', 'hardening'],
  web: ['preview', 'policy', 'podSecurity', 'hardening'],
  cluster: ['server', 'telemetry', 'preview', 'policy', 'images', 'hardening'],
  scan: ['cluster', 'preview', 'policy', 'podSecurity', 'hardening'],
  doctor: ['cluster', 'preview', 'admission', 'policy', 'images', 'hardening'],
  learn: ['doctor', 'cluster', 'preview', 'admission', 'policy', 'images', 'hardening'],
  cli: [
    'learn',
    'doctor',
    'scan',
    'cluster',
    'server',
    'telemetry',
    'preview',
    'admission',
    'policy',
    'images',
    'podSecurity',
    'hardening',
  ],
};

const FOLDERS = Object.keys(MAY_IMPORT);

/** Relative imports of a folder that is not given: `../server/...` from admission, `../../policy/...` from a rule. */
function oneWay(folder) {
  const allowed = [folder, ...MAY_IMPORT[folder]];
  const forbidden = [...FOLDERS.filter((name) => !allowed.includes(name)), 'main\\.js', 'compileCache\\.js'];
  return {
    regex: `^(\\.\\./)+(${forbidden.join('|')})(/|$)`,
    message: `src/${folder} may import only from ${allowed.join(', ')}: imports point one way.`,
  };
}

const PURE = 'hardening and podSecurity are pure: no Node.js, no clock, no I/O, no framework.';

const WEB = 'What is pasted into the page is never read as HTML, and nothing of it is stored.';

const PURE_FOLDERS = ['hardening', 'podSecurity'];
const NO_PACKAGES = { regex: '^(?!\\.|fast-json-patch$)', message: PURE };

export default defineConfig(
  {
    ignores: [
      'eslint.config.js',
      'dist/',
      'coverage/',
      'node_modules/',
      '.cache/',
      'test/fixtures/',
      '**/*.generated.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Named exports only: a name is the same everywhere.',
        },
      ],
      'no-restricted-properties': [
        'error',
        {
          object: 'AbortSignal',
          property: 'any',
          message: 'In Node.js 20 it leaves a WeakRef on a signal that lives long: src/cluster/pause.ts.',
        },
      ],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // It asks for `!`, which is not used here.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // An index signature is read as what it is: a look-up by a name that may be missing.
      '@typescript-eslint/dot-notation': 'off',
      // `||` on names that the API sends as '' where they are unset.
      '@typescript-eslint/prefer-nullish-coalescing': 'off',
    },
  },
  ...FOLDERS.map((folder) => ({
    files: [`src/${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [oneWay(folder), ...(PURE_FOLDERS.includes(folder) ? [NO_PACKAGES] : [])] },
      ],
    },
  })),
  {
    files: ['src/hardening/**/*.ts', 'src/podSecurity/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'Date', 'performance', 'console', 'setTimeout', 'fetch', 'Buffer'].map((name) => ({
          name,
          message: PURE,
        })),
      ],
    },
  },
  {
    files: ['src/web/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'localStorage', 'sessionStorage', 'cookie'].map(
          (property) => ({ property, message: WEB }),
        ),
      ],
      'no-restricted-globals': ['error', 'process', 'Buffer', 'localStorage', 'sessionStorage'],
    },
  },
  {
    // The settings' schemas lie with their rules and are loaded only when a policy file is.
    files: ['src/hardening/**/*.settings.ts', 'src/hardening/settingsFields.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [oneWay('hardening'), { regex: '^(?!\\.|zod$)', message: PURE }] },
      ],
    },
  },
  {
    files: ['**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      parserOptions: { projectService: false },
      globals: { process: 'readonly', URL: 'readonly' },
    },
  },
  {
    files: ['test/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-console': 'off',
    },
  },
  {
    // What an API server answers is read as the test expects it: `body.spec.containers[0]` fails where it is not there.
    files: ['test/e2e/**/*.ts', 'test/bench/e2e/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
    },
  },
);
