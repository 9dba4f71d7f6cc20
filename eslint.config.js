import { defineConfig } from 'eslint/config';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
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
  cli: ['server', 'telemetry', 'preview', 'admission', 'policy', 'images', 'podSecurity', 'hardening'],
};

const zones = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  target: `./src/${folder}`,
  from: './src',
  except: [folder, ...allowed].map((name) => `./${name}`),
  message: `src/${folder} may import only from ${[folder, ...allowed].join(', ')}: imports point one way.`,
}));

const PURE = 'hardening and podSecurity are pure: no Node.js, no clock, no I/O, no framework.';

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
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'import-x/no-default-export': 'error',
      'import-x/no-duplicates': 'error',
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
  {
    files: ['src/hardening/**/*.ts', 'src/podSecurity/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^node:', message: PURE },
            { regex: '^(?!\\.|fast-json-patch$)', allowTypeImports: true, message: PURE },
          ],
        },
      ],
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
    // The settings' schemas lie with their rules and are loaded only when a policy file is.
    files: ['src/hardening/**/*.settings.ts', 'src/hardening/settingsFields.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\.|zod$)', message: PURE }] }] },
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
);
