import { CLIENT } from './images/client.js';
import type { ImageRecipe } from './images/recipe.js';
import { chosenPrograms } from './programChoice.js';
import { SANDBOX } from './sandboxImage.js';

/** Every image that a run takes, each once. */
export function neededImages(): ImageRecipe[] {
  const all = [SANDBOX, CLIENT, ...chosenPrograms().map(({ image }) => image)];
  return [...new Map(all.map((image) => [image.name, image])).values()];
}
