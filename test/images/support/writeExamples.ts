import { mkdirSync, writeFileSync } from 'node:fs';
import { EXAMPLE_IMAGES } from './exampleImages.js';

const folder = new URL('../../fixtures/images/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, bytes] of Object.entries(EXAMPLE_IMAGES)) writeFileSync(new URL(name, folder), bytes);
